// Workload C, final counts, on Flink, in one process with one worker: java FlinkWordCount FILE
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

public final class FlinkWordCount {
  public static void main(String[] arguments) throws Exception {
    StreamExecutionEnvironment env = Lines.environment();
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    Lines.read(env, arguments[0])
        .filter(line -> !line.equals("word"))
        .map(word -> Tuple2.of(word, 1L)).returns(Types.TUPLE(Types.STRING, Types.LONG))
        .keyBy(pair -> pair.f0, Types.STRING)
        .sum(1)
        .map(pair -> "{\"word\": \"" + pair.f0 + "\", \"count\": " + pair.f1 + "}")
        .addSink(new Lines.Stdout());
    env.execute();
  }
}
