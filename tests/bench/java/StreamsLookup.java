import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Kafka Streams doing a bare table look-up: each record goes unchanged to the topic that its category and area name.
 *
 * Arguments: bootstrap, group, guarantee, compression, input topic, output prefix, table file.
 */
public final class StreamsLookup {
    private static final JsonFactory JSON = new JsonFactory();

    private StreamsLookup() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> table = table(Path.of(arguments[6]), arguments[5]);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[4], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .to((key, value, context) -> topicOf(value, table), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings(arguments));
        CountDownLatch asked = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(java.time.Duration.ofSeconds(20));
            asked.countDown();
        }));
        streams.start();
        asked.await();
    }

    private static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[2]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir"));
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), arguments[3]);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 2 * 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_BYTES_CONFIG), 16 * 1024 * 1024);
        return settings;
    }

    /** The rows are "category|area|level"; an area may be empty. */
    private static Map<String, String> table(Path file, String prefix) throws IOException {
        Map<String, String> table = new HashMap<>();
        for (String row : Files.readAllLines(file)) {
            int last = row.lastIndexOf('|');
            table.put(row.substring(0, last), prefix + row.substring(last + 1));
        }
        return table;
    }

    /** The village's row, else the town's, else the category's; the table has the last for every category. */
    private static String topicOf(byte[] value, Map<String, String> table) {
        String category = null;
        String area = null;
        try (JsonParser parser = JSON.createParser(value)) {
            // Reads no further than the two fields: the case comes first in an event.
            while (category == null || area == null) {
                if (parser.nextToken() == null) {
                    throw new IllegalStateException("no category or area");
                }
                if (parser.currentToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    if (name.equals("category")) {
                        category = parser.nextTextValue();
                    } else if (name.equals("area")) {
                        area = parser.nextTextValue();
                    }
                }
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        String topic = area.length() < 12 ? null : table.get(category + "|" + area.substring(0, 12));
        if (topic == null) {
            topic = table.get(category + "|" + area.substring(0, 9));
        }
        return topic == null ? table.get(category + "|") : topic;
    }
}
