package io.livepulse.flink.metrics;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Meter;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.Scheduled;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what operators need to know of Flink into ClickHouse's table {@code flink_metric}, by its HTTP interface.
 *
 * <p>Settings, after {@code metrics.reporter.<name>.}: {@code url}, {@code database}, {@code user}, {@code password-file}
 * (without it, the password is LIVEPULSE_CLICKHOUSE_PASSWORD in the environment), {@code certificate} (a PEM file: whom to trust
 * at an https address, instead of everyone whom Java trusts), and Flink's own {@code interval}.
 *
 * <p>It never holds a job up: it works in the reporters' own thread, waits two seconds at most, and drops what it could not
 * write. A silence is logged once, and so is its end.
 */
public final class ClickHouseReporter implements MetricReporter, Scheduled {
    private static final Logger LOG = LoggerFactory.getLogger(ClickHouseReporter.class);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Of some thousand that Flink has, those that a dashboard or an alert asks for. */
    private static final Set<String> WANTED = Set.of(
            "numRestarts",
            "uptime",
            "numberOfCompletedCheckpoints",
            "numberOfFailedCheckpoints",
            "numberOfInProgressCheckpoints",
            "lastCheckpointDuration",
            "lastCheckpointSize",
            "lastCheckpointFullSize",
            "lastCheckpointCompletedTimestamp",
            "busyTimeMsPerSecond",
            "backPressuredTimeMsPerSecond",
            "pendingRecords",
            "numRecordsInPerSecond",
            "numRecordsInErrors",
            "Status.JVM.Memory.Heap.Used",
            "Status.JVM.Memory.Heap.Max",
            "Status.JVM.CPU.Load");

    private final Map<Metric, Source> sources = new ConcurrentHashMap<>();
    private final ObjectMapper json = new ObjectMapper();

    private HttpClient client;
    private HttpRequest.Builder request;
    private boolean silent;

    /** Where a metric comes from. */
    private record Source(String name, Map<String, String> variables) {
        String variable(String name) {
            return variables.getOrDefault("<" + name + ">", "");
        }
    }

    @Override
    public void open(MetricConfig config) {
        String query = "INSERT INTO flink_metric (process, job, task, operator, subtask, metric, value) FORMAT JSONEachRow";
        URI uri = URI.create(config.getString("url", "http://127.0.0.1:8123/") + "?database="
                + encoded(config.getString("database", "livepulse")) + "&query=" + encoded(query));
        HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(PATIENCE).version(HttpClient.Version.HTTP_1_1);
        String certificate = config.getString("certificate", "");
        if (!certificate.isEmpty()) {
            builder.sslContext(trusting(Path.of(certificate)));
        }
        client = builder.build();
        request = HttpRequest.newBuilder(uri).timeout(PATIENCE).header("X-ClickHouse-User", config.getString("user", "default"));
        String password = password(config.getString("password-file", ""));
        if (password != null && !password.isEmpty()) {
            request.header("X-ClickHouse-Key", password);
        }
    }

    private static String password(String file) {
        try {
            return file.isEmpty() ? System.getenv("LIVEPULSE_CLICKHOUSE_PASSWORD") : Files.readString(Path.of(file)).strip();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static SSLContext trusting(Path certificate) {
        try (InputStream pem = Files.newInputStream(certificate)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry("livepulse", CertificateFactory.getInstance("X.509").generateCertificate(pem));
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException error) {
            throw new IllegalStateException("The certificate " + certificate + " cannot be read", error);
        }
    }

    @Override
    public void close() {
        sources.clear();
    }

    @Override
    public void notifyOfAddedMetric(Metric metric, String name, MetricGroup group) {
        String full = scoped(name, group);
        Source source = new Source(full, Map.copyOf(group.getAllVariables()));
        // Every operator has a rate of records; only that of the topics' readers is asked for.
        boolean isAsked = !full.equals("numRecordsInPerSecond") || source.variable("operator_name").startsWith("Source: ");
        if (WANTED.contains(full) && isAsked) {
            sources.put(metric, source);
        }
    }

    @Override
    public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup group) {
        sources.remove(metric);
    }

    @Override
    public void report() {
        StringBuilder rows = new StringBuilder();
        for (Map.Entry<Metric, Source> entry : sources.entrySet()) {
            Double value = value(entry.getKey());
            if (value != null) {
                append(rows, entry.getValue(), value);
            }
        }
        if (rows.length() == 0) {
            return;
        }
        try {
            HttpResponse<String> answer =
                    client.send(request.copy().POST(BodyPublishers.ofString(rows.toString())).build(), BodyHandlers.ofString());
            said(answer.statusCode() == 200 ? null : answer.body().lines().findFirst().orElse("status " + answer.statusCode()));
        } catch (IOException error) {
            said(error.toString());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void said(String problem) {
        if (problem != null && !silent) {
            LOG.warn("ClickHouse takes no metrics ({}); they are dropped until it does.", problem);
        } else if (problem == null && silent) {
            LOG.info("ClickHouse takes metrics again.");
        }
        silent = problem != null;
    }

    private void append(StringBuilder rows, Source source, double value) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("process", source.variables.containsKey("<tm_id>") ? "taskmanager " + source.variable("tm_id") : "jobmanager");
        row.put("job", source.variable("job_name"));
        row.put("task", source.variable("task_name"));
        row.put("operator", source.variable("operator_name"));
        row.put("subtask", source.variable("subtask_index").isEmpty() ? -1 : Integer.parseInt(source.variable("subtask_index")));
        row.put("metric", source.name);
        row.put("value", value);
        try {
            rows.append(json.writeValueAsString(row)).append('\n');
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The process's own metrics have the groups that they are in as part of their name; those of tasks are known by the last part. */
    private static String scoped(String name, MetricGroup group) {
        String identifier = group.getMetricIdentifier(name);
        int status = identifier.indexOf("Status.JVM.");
        return status < 0 ? name : identifier.substring(status);
    }

    private static Double value(Metric metric) {
        double value;
        if (metric instanceof Gauge<?> gauge && gauge.getValue() instanceof Number number) {
            value = number.doubleValue();
        } else if (metric instanceof Counter counter) {
            value = counter.getCount();
        } else if (metric instanceof Meter meter) {
            value = meter.getRate();
        } else {
            return null;
        }
        return Double.isFinite(value) ? value : null;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
