"""From the student to files: conversion, quantization, benchmark, plots and the model card."""
