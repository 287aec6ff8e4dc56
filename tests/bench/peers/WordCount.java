// Workload C, final counts, in Java, for words without quotes: java WordCount FILE
import java.io.FileInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

public final class WordCount {
  private static final int BLOCK_BYTES = 256 << 10;

  private static final class Count {
    long value;
  }

  public static void main(String[] arguments) throws IOException {
    Map<String, Count> counts = new LinkedHashMap<>();
    byte[] data = new byte[2 * BLOCK_BYTES];
    int kept = 0;
    boolean isHeader = true;
    try (InputStream in = new FileInputStream(arguments[0])) {
      for (int got; (got = in.read(data, kept, BLOCK_BYTES)) > 0;) {
        int end = kept + got, start = 0;
        for (int at = kept; at < end; at++) {
          if (data[at] != '\n') continue;
          String word = new String(data, start, at - start, StandardCharsets.ISO_8859_1);
          if (!isHeader) counts.computeIfAbsent(word, key -> new Count()).value++;
          isHeader = false;
          start = at + 1;
        }
        kept = end - start;
        System.arraycopy(data, start, data, 0, kept);
      }
    }
    StringBuilder text = new StringBuilder();
    counts.forEach((word, count) ->
        text.append("{\"word\": \"").append(word).append("\", \"count\": ").append(count.value).append("}\n"));
    OutputStream out = new FileOutputStream(FileDescriptor.out);
    out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
  }
}
