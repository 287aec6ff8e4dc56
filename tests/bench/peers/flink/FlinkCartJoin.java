// Workload B on Flink, in one process with one worker: java FlinkCartJoin FILE
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

public final class FlinkCartJoin {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Flink sends objects of such a class from stage to stage with a serialiser of its own. */
  public static final class Event {
    public String userId;
    public boolean isOrder;
    public long orderId;

    static Event parse(String line) throws Exception {
      JsonNode node = JSON.readTree(line);
      Event event = new Event();
      event.userId = node.get("user_id").asText();
      event.isOrder = node.get("type").asText().equals("order");
      event.orderId = node.get("order_id").asLong();
      return event;
    }
  }

  public static final class Cart {
    public List<Long> paid = new ArrayList<>();
    public List<Long> unpaid = new ArrayList<>();
  }

  private static final class Update extends RichMapFunction<Event, String> {
    private transient ValueState<Cart> carts;

    @Override
    public void open(Configuration parameters) {
      carts = getRuntimeContext().getState(new ValueStateDescriptor<>("cart", Cart.class));
    }

    @Override
    public String map(Event event) throws Exception {
      Cart cart = carts.value();
      if (cart == null) cart = new Cart();
      if (event.isOrder) {
        cart.unpaid.add(event.orderId);
      } else {
        cart.unpaid.remove((Long) event.orderId);
        cart.paid.add(event.orderId);
        if (cart.paid.size() > 3) cart.paid.remove(0);
      }
      carts.update(cart);
      ObjectNode row = JSON.createObjectNode();
      row.put("user_id", event.userId);
      cart.paid.forEach(row.putArray("paid_order_ids")::add);
      cart.unpaid.forEach(row.putArray("unpaid_order_ids")::add);
      return JSON.writeValueAsString(row);
    }
  }

  public static void main(String[] arguments) throws Exception {
    StreamExecutionEnvironment env = Lines.environment();
    Lines.read(env, arguments[0])
        .map(Event::parse).returns(Event.class)
        .keyBy(event -> event.userId, Types.STRING)
        .map(new Update())
        .addSink(new Lines.Stdout());
    env.execute();
  }
}
