package io.livepulse.flink.json;

import java.io.Serializable;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a field must be, as a JSON Schema says it: {@code type} (string or integer, or null besides), {@code minLength},
 * {@code maxLength}, {@code pattern}, {@code enum}, {@code minimum}, {@code maximum}, and whether it is {@code required}.
 *
 * @param place of the field among all fields
 * @param minLength in Unicode code points, as {@code maxLength}
 * @param pattern null where any text will do
 * @param values empty where any value will do
 */
record FieldRule(
        int place,
        boolean isText,
        boolean isRequired,
        int minLength,
        int maxLength,
        Pattern pattern,
        Set<String> values,
        long minimum,
        long maximum)
        implements Serializable {

    private static final Set<String> UNDERSTOOD =
            Set.of("type", "minLength", "maxLength", "pattern", "enum", "minimum", "maximum");

    /**
     * The rules of a schema's properties, by name.
     *
     * @throws IllegalArgumentException the schema is none, or has what is not understood: a rule that is not heeded would let
     *     pass what it should not
     */
    static Map<String, FieldRule> of(String schema) {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(schema);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        }
        Set<String> required = new HashSet<>();
        root.path("required").forEach(name -> required.add(name.textValue()));
        Map<String, FieldRule> rules = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> property : root.path("properties").properties()) {
            String name = property.getKey();
            rules.put(name, of(name, property.getValue(), rules.size(), required.remove(name)));
        }
        if (rules.isEmpty() || rules.size() > Long.SIZE || !required.isEmpty()) {
            throw new IllegalArgumentException("a schema has 1 to 64 properties, and requires none but these: " + schema);
        }
        return rules;
    }

    private static FieldRule of(String name, JsonNode property, int place, boolean isRequired) {
        property.fieldNames().forEachRemaining(keyword -> {
            if (!UNDERSTOOD.contains(keyword)) {
                throw new IllegalArgumentException(name + ": " + keyword + " is not understood");
            }
        });
        JsonNode type = property.path("type").isArray() ? property.path("type").path(0) : property.path("type");
        boolean isText = type.asText().equals("string");
        if (!isText && !type.asText().equals("integer")) {
            throw new IllegalArgumentException(name + " is a string or an integer, not " + property.path("type"));
        }
        Set<String> values = new HashSet<>();
        property.path("enum").forEach(value -> values.add(value.textValue()));
        String pattern = property.path("pattern").asText();
        return new FieldRule(
                place,
                isText,
                isRequired,
                property.path("minLength").asInt(0),
                property.path("maxLength").asInt(Integer.MAX_VALUE),
                // In Java a `$` also matches before a line break at the end.
                pattern.isEmpty() ? null : Pattern.compile(pattern.replaceFirst("\\$$", "\\\\z")),
                values,
                property.path("minimum").asLong(Long.MIN_VALUE),
                property.path("maximum").asLong(Long.MAX_VALUE));
    }

    /** The field in a set of fields. */
    long bit() {
        return 1L << place;
    }

    boolean admits(String text) {
        int length = text.codePointCount(0, text.length());
        return length >= minLength
                && length <= maxLength
                && (values.isEmpty() || values.contains(text))
                && (pattern == null || pattern.matcher(text).find());
    }

    boolean admits(long number) {
        return number >= minimum && number <= maximum;
    }
}
