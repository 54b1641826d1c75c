import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** The flow with pgjdbc and kafka-clients; see README.md beside compose.yaml. */
public final class Writer {
    /** Both products of every order: two rows of order_lines. */
    private static final String[] PRODUCTS = {"anvil", "rocket"};

    private static final CountDownLatch begun = new CountDownLatch(1);
    private static volatile boolean ready;

    public static void main(String[] arguments) throws Exception {
        listen(Integer.parseInt(System.getenv("HTTP_PORT")));
        try {
            work();
        } catch (Exception error) {
            error.printStackTrace();
            System.exit(1); // whoever started this starts it again; the listener would keep it alive
        }
    }

    /** Answers GET /health: 200 once the database and the broker were reached; and POST /start. */
    private static void listen(int port) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/health", exchange -> {
            exchange.sendResponseHeaders(ready ? 200 : 503, -1);
            exchange.close();
        });
        server.createContext("/start", exchange -> {
            begun.countDown();
            exchange.sendResponseHeaders(202, -1);
            exchange.close();
        });
        server.start();
    }

    /** Writes orders until something fails. */
    private static void work() throws Exception {
        String topic = System.getenv("TOPIC");
        int pauseMs = setting("PAUSE_MS", 40);
        int last = setting("LAST_ORDER", 0);
        try (Connection connection = connect();
                KafkaProducer<String, String> producer = producer()) {
            producer.partitionsFor(topic);
            connection.setAutoCommit(false);
            int number = newest(connection);
            ready = true;
            if (number == 0 && "on-request".equals(System.getenv("START"))) {
                begun.await();
            }
            while (true) {
                if (last > 0 && number >= last) {
                    Thread.currentThread().join();
                }
                number++;
                String id = Integer.toString(number);
                insert(connection, id);
                // What happens here is lost.
                producer.send(new ProducerRecord<>(topic, id, json(id))).get();
                System.out.println("order " + id);
                Thread.sleep(pauseMs);
            }
        }
    }

    private static int setting(String name, int otherwise) {
        String text = System.getenv(name);
        return text == null ? otherwise : Integer.parseInt(text);
    }

    private static Connection connect() throws SQLException {
        URI url = URI.create(System.getenv("DATABASE_URL"));
        String[] user = url.getUserInfo().split(":");
        String place = "jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath();
        return DriverManager.getConnection(place, user[0], user[1]);
    }

    private static KafkaProducer<String, String> producer() {
        Map<String, Object> settings =
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("KAFKA_BOOTSTRAP"),
                        ProducerConfig.ACKS_CONFIG, "all");
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private static int newest(Connection connection) throws SQLException {
        String newest = "SELECT coalesce(max(order_id::integer), 0) FROM orders";
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(newest)) {
            rows.next();
            int number = rows.getInt(1);
            connection.commit();
            return number;
        }
    }

    /** One transaction: the order and its lines. */
    private static void insert(Connection connection, String id) throws SQLException {
        String order = "INSERT INTO orders (order_id, product_id, quantity) VALUES (?, ?, ?)";
        try (PreparedStatement statement = connection.prepareStatement(order)) {
            statement.setString(1, id);
            statement.setString(2, PRODUCTS[0]);
            statement.setInt(3, PRODUCTS.length);
            statement.executeUpdate();
        }
        String line = "INSERT INTO order_lines (order_id, line, product_id) VALUES (?, ?, ?)";
        try (PreparedStatement statement = connection.prepareStatement(line)) {
            for (int i = 0; i < PRODUCTS.length; i++) {
                statement.setString(1, id);
                statement.setInt(2, i + 1);
                statement.setString(3, PRODUCTS[i]);
                statement.addBatch();
            }
            statement.executeBatch();
        }
        connection.commit();
    }

    private static String json(String id) {
        return "{\"order_id\": \"" + id + "\", \"quantity\": " + PRODUCTS.length + "}";
    }
}
