// What the programs on Flink share: one worker, lines from a file, lines to stdout.
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.RichSinkFunction;

final class Lines {
  private Lines() {}

  static StreamExecutionEnvironment environment() {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
    env.getConfig().enableObjectReuse();
    return env;
  }

  static DataStream<String> read(StreamExecutionEnvironment env, String file) {
    Path path = new Path(Paths.get(file).toAbsolutePath().toString());
    FileSource<String> source = FileSource.forRecordStreamFormat(new TextLineInputFormat(), path).build();
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), "lines");
  }

  /** Buffered, where Flink's own print() writes each line by itself. */
  static final class Stdout extends RichSinkFunction<String> {
    private transient OutputStream out;

    @Override
    public void open(Configuration parameters) {
      out = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 18);
    }

    @Override
    public void invoke(String line, Context context) throws IOException {
      out.write(line.getBytes(StandardCharsets.UTF_8));
      out.write('\n');
    }

    @Override
    public void finish() throws IOException {
      out.flush();
    }
  }
}
