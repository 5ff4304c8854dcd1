"""The teacher: SimCLRv2's ResNet, contrastive pre-training and fine-tuning (Keras 3)."""
