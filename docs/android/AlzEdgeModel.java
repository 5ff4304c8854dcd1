import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** What an AlzEdge .tflite file says about itself, and its arithmetic: plain Java, tested without a phone. */
public final class AlzEdgeModel {
    /** Names of the classes, in the order of the probabilities. */
    public final List<String> labels;
    /** The record, JSON: preprocessing, disclaimer, provenance, figures. */
    public final String record;
    /** For an interpreter: direct, in native byte order. */
    public final ByteBuffer flatbuffer;

    private AlzEdgeModel(List<String> labels, String record, ByteBuffer flatbuffer) {
        this.labels = labels;
        this.record = record;
        this.flatbuffer = flatbuffer;
    }

    /** Reads a whole .tflite file: a flatbuffer, then a zip archive with labels.txt and alzedge.json. */
    public static AlzEdgeModel read(InputStream stream) throws IOException {
        byte[] file = allOf(stream);
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int end = file.length - 22; // a zip archive without a comment ends with 22 bytes that point to its directory
        if (end < 0 || bytes.getInt(end) != 0x06054b50) {
            throw new IOException("The model file carries no AlzEdge record; take one made by alzedge export.");
        }
        int archive = bytes.getInt(bytes.getInt(end + 16) + 42); // where the first entry begins
        Map<String, String> texts = new HashMap<>();
        ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(file, archive, file.length - archive));
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
            texts.put(entry.getName(), new String(allOf(zip), StandardCharsets.UTF_8));
        }
        ByteBuffer flatbuffer = ByteBuffer.allocateDirect(archive).order(ByteOrder.nativeOrder());
        flatbuffer.put(file, 0, archive).rewind();
        List<String> labels = Arrays.asList(texts.get("labels.txt").trim().split("\n"));
        return new AlzEdgeModel(labels, texts.get("alzedge.json"), flatbuffer);
    }

    /**
     * The input of an int8 model.
     *
     * @param pixels grey, row by row, in the lowest 8 bits
     * @param width of the slice
     * @param lookup what becomes of each of the 256 greys, null for nothing; it, shrink and divideBy are in the
     *     record's "preprocessing"
     * @param scale of the input tensor, and its zero point
     */
    public static ByteBuffer input(
            int[] pixels, int width, int[] lookup, int shrink, int divideBy, float scale, int zeroPoint) {
        int columns = width / shrink;
        int rows = pixels.length / width / shrink;
        int area = shrink * shrink;
        ByteBuffer input = ByteBuffer.allocateDirect(rows * columns).order(ByteOrder.nativeOrder());
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int sum = 0;
                for (int y = row * shrink; y < (row + 1) * shrink; y++) {
                    for (int x = column * shrink; x < (column + 1) * shrink; x++) {
                        int grey = pixels[y * width + x] & 0xff;
                        sum += lookup == null ? grey : lookup[grey];
                    }
                }
                float mean = (float) ((sum + area / 2) / area) / divideBy;
                long steps = (long) Math.rint(mean / scale) + zeroPoint; // ties to even, as numpy has it
                input.put((byte) Math.max(-128, Math.min(127, steps)));
            }
        }
        input.rewind();
        return input;
    }

    /**
     * The table of greys for the preprocessing step "white": white matter gets the same brightness on every slice.
     *
     * @param pixels as `input` takes them
     */
    public static int[] white(int[] pixels) {
        int[] counts = new int[256];
        int tissue = 0;
        for (int pixel : pixels) {
            counts[pixel & 0xff]++;
            if ((pixel & 0xff) >= 6) tissue++;
        }
        int white = 20;
        int darker = 0;
        for (int grey = 6; grey < 256 && tissue > 0; grey++) {
            darker += counts[grey];
            if (darker > tissue * 85L / 100) { // in ascending order, tissue's pixel number n * 85 / 100 has this grey
                white = Math.max(grey, 20);
                break;
            }
        }
        int[] table = new int[256];
        for (int grey = 4; grey < 256; grey++) table[grey] = Math.min(255, (170 * grey + white / 2) / white);
        return table;
    }

    /**
     * How unlike an axial brain slice a picture is; above 1 the model must not be asked.
     *
     * @param pixels as `input` takes them
     * @param mean decoded from base64, as are components; all of them, scale, variance, residual and threshold are in the
     *     record's "guard"
     */
    public static double unlikeness(
            int[] pixels, int width, byte[] mean, byte[] components, double scale, double[] variance, double[] residual,
            double threshold) {
        int across = width / 16;
        double[] means = new double[pixels.length / 256];
        for (int index = 0; index < pixels.length; index++) {
            means[index / width / 16 * across + index % width / 16] += (pixels[index] & 0xff) / (255.0 * 256);
        }
        double least = Double.POSITIVE_INFINITY;
        for (int band = 0; band < residual.length; band++) { // of heights; the nearest one counts
            double[] offset = means.clone();
            for (int block = 0; block < offset.length; block++) {
                offset[block] -= (mean[band * offset.length + block] & 0xff) / 256.0;
            }
            double[] outside = offset.clone();
            double within = 0;
            for (int k = 0; k < variance.length; k++) {
                double along = 0;
                for (int block = 0; block < offset.length; block++) {
                    along += components[k * offset.length + block] * scale * offset[block];
                }
                for (int block = 0; block < offset.length; block++) {
                    outside[block] -= components[k * offset.length + block] * scale * along;
                }
                within += along * along / variance[k];
            }
            double error = 0;
            for (double value : outside) error += value * value;
            least = Math.min(least, error / residual[band] + within / variance.length);
        }
        return least / threshold;
    }

    /**
     * A measured quantity with its 90 % interval, for one slice: value, low, high.
     *
     * @param output of the network
     * @param rule intercept, slope, covariance, within, mean, variance and factor, the first number of each where it is a
     *     list, from "brain_volume" or "age" of the record's "measures" / "anywhere"
     * @param slices the first number of "slices" there
     */
    public static double[] measure(double output, double[] rule, double slices) {
        double weight = rule[1] / (rule[2] + Math.max(0, rule[3]) * Math.max(0, 1 - 1 / slices));
        double precision = rule[1] * weight + 1 / rule[5];
        double value = (weight * (output - rule[0]) + rule[4] / rule[5]) / precision;
        double half = rule[6] / Math.sqrt(precision);
        return new double[] {value, value - half, value + half};
    }

    /** The probabilities that an int8 output stands for; they sum to 1. */
    public static float[] probabilities(ByteBuffer output, float scale, int zeroPoint) {
        float[] values = new float[output.capacity()];
        float sum = 0;
        for (int index = 0; index < values.length; index++) {
            values[index] = (output.get(index) - zeroPoint) * scale;
            sum += values[index];
        }
        for (int index = 0; index < values.length; index++) values[index] /= sum;
        return values;
    }

    private static byte[] allOf(InputStream stream) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) bytes.write(buffer, 0, count);
        return bytes.toByteArray();
    }
}
