// Workload B in Java, with a parser for exactly this form: java CartJoin FILE
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;

public final class CartJoin {
  private static final int BLOCK_BYTES = 256 << 10;
  private static final byte[] USER = ascii("{\"user_id\": \"");
  private static final byte[] TYPE = ascii("\", \"type\": \"");
  private static final byte[] ORDER = ascii("\", \"order_id\": ");
  private static final byte[] PAID = ascii("\", \"paid_order_ids\": [");
  private static final byte[] UNPAID = ascii("], \"unpaid_order_ids\": [");
  private static final byte[] END = ascii("]}\n");

  private static final class Ids {
    long[] values = new long[4];
    int count;

    void push(long id) {
      if (count == values.length) values = Arrays.copyOf(values, 2 * count);
      values[count++] = id;
    }

    void removeAt(int at) {
      count--;
      System.arraycopy(values, at + 1, values, at, count - at);
    }

    void remove(long id) {
      for (int i = 0; i < count; i++)
        if (values[i] == id) {
          removeAt(i);
          return;
        }
    }
  }

  private static final class Cart {
    final byte[] user;
    final Ids paid = new Ids(), unpaid = new Ids();

    Cart(byte[] user) {
      this.user = user;
    }
  }

  private final HashMap<String, Cart> carts = new HashMap<>();
  private final OutputStream out = new FileOutputStream(FileDescriptor.out);
  private final byte[] row = new byte[BLOCK_BYTES + 4096];
  private final byte[] digits = new byte[20];
  private int length;

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static int expect(byte[] data, int at, byte[] text) {
    int end = at + text.length;
    if (!Arrays.equals(data, at, end, text, 0, text.length)) throw new IllegalArgumentException("malformed record");
    return end;
  }

  private static int findQuote(byte[] data, int at) {
    while (data[at] != '"') at++;
    return at;
  }

  private void put(byte[] text) {
    System.arraycopy(text, 0, row, length, text.length);
    length += text.length;
  }

  private void put(Ids ids) {
    for (int i = 0; i < ids.count; i++) {
      if (i > 0) {
        row[length++] = ',';
        row[length++] = ' ';
      }
      int at = digits.length;
      for (long rest = ids.values[i]; rest > 0 || at == digits.length; rest /= 10) digits[--at] = (byte) ('0' + rest % 10);
      System.arraycopy(digits, at, row, length, digits.length - at);
      length += digits.length - at;
    }
  }

  private void flush() throws IOException {
    out.write(row, 0, length);
    length = 0;
  }

  /** Takes the record at `at`; returns the place behind it. */
  private int apply(byte[] data, int at) throws IOException {
    int user = expect(data, at, USER), userEnd = findQuote(data, user);
    int type = expect(data, userEnd, TYPE), typeEnd = findQuote(data, type);
    long id = 0;
    for (at = expect(data, typeEnd, ORDER); data[at] != '}'; at++) id = id * 10 + data[at] - '0';
    String key = new String(data, user, userEnd - user, StandardCharsets.ISO_8859_1);
    Cart cart = carts.get(key);
    if (cart == null) carts.put(key, cart = new Cart(ascii(key)));
    if (data[type] == 'o') {
      cart.unpaid.push(id);
    } else {
      cart.unpaid.remove(id);
      cart.paid.push(id);
      if (cart.paid.count > 3) cart.paid.removeAt(0);
    }
    if (length >= BLOCK_BYTES) flush();
    put(USER);
    put(cart.user);
    put(PAID);
    put(cart.paid);
    put(UNPAID);
    put(cart.unpaid);
    put(END);
    return at + 2;
  }

  private void run(String path) throws IOException {
    byte[] data = new byte[2 * BLOCK_BYTES];
    int kept = 0;
    try (InputStream in = new FileInputStream(path)) {
      for (int got; (got = in.read(data, kept, BLOCK_BYTES)) > 0;) {
        int end = kept + got, at = 0, last = end;
        while (last > 0 && data[last - 1] != '\n') last--;
        while (at < last) at = apply(data, at);
        kept = end - last;
        System.arraycopy(data, last, data, 0, kept);
      }
    }
    flush();
  }

  public static void main(String[] arguments) throws IOException {
    new CartJoin().run(arguments[0]);
  }
}
