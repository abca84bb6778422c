import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import software.amazon.event.ruler.Machine;

/**
 * event-ruler matching alone, one thread: every event against every rule, and of the rules found the first in order.
 *
 * Arguments: rules file ({"name", "pattern"} a line, in order), events file (JSON a line), rounds.
 * Prints a line a round: nanoseconds of its thread and events; writes the first rule of every event beside them.
 */
public final class RulerMatch {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private RulerMatch() {}

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        Machine machine = new Machine();
        long began = System.nanoTime();
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            JsonNode rule = mapper.readTree(line);
            machine.addRule(rule.get("name").asText(), rule.get("pattern").toString());
        }
        System.out.println("built " + (System.nanoTime() - began));
        List<String> events = Files.readAllLines(Path.of(arguments[1]));
        List<String> firsts = new ArrayList<>();
        for (int round = 0; round < Integer.parseInt(arguments[2]); round++) {
            firsts = new ArrayList<>(events.size());
            // The thread's own time, as ours is measured: what else the machine does counts for neither.
            began = THREADS.getCurrentThreadCpuTime();
            for (String event : events) {
                firsts.add(first(machine.rulesForJSONEvent(event)));
            }
            System.out.println("round " + (THREADS.getCurrentThreadCpuTime() - began) + " " + events.size());
        }
        Runtime runtime = Runtime.getRuntime();
        System.out.println("memory " + (runtime.totalMemory() - runtime.freeMemory()));
        Files.write(Path.of(arguments[1] + ".firsts"), firsts);
    }

    /** The rules' names are numbers of one width, so the least is the first. */
    private static String first(List<String> names) {
        String least = "";
        for (String name : names) {
            if (least.isEmpty() || name.compareTo(least) < 0) {
                least = name;
            }
        }
        return least;
    }
}
