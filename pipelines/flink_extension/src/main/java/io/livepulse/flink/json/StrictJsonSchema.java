package io.livepulse.flink.json;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactoryBuilder;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * Reads one JSON object a message into a row of STRING and BIGINT columns.
 *
 * <p>A message gives no row when it is not an object of valid JSON in UTF-8, or when a field breaks its {@link FieldRule},
 * whether it is a column or not; a value of another type does: a number in quotes is not a number, 1.0 is not an integer. A
 * field that is absent or null is null; of a name that stands twice, the first value counts. All of it as the other two readers
 * decide: docs/adr/0003-strict-json.md. Nothing here fails a job: what gives no row is kept, with the reason, by the storage's
 * own reading of the topic.
 */
final class StrictJsonSchema extends AbstractDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1L;
    private static final BigInteger MAX_UNSIGNED = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    private static final BigInteger MIN_SIGNED = BigInteger.valueOf(Long.MIN_VALUE);
    private static final int LONGEST_INTEGER = "-9223372036854775808".length();

    /** How many objects and arrays a value may stand in: where ClickHouse's parser ends. */
    private static final int MAX_DEPTH = 1023;

    private final Map<String, FieldRule> rules;

    /** By a rule's place the column that its field goes to; -1 for none. */
    private final int[] columns;

    private final int width;
    private final long required;
    private transient JsonFactory json;

    StrictJsonSchema(RowType columnTypes, Map<String, FieldRule> rules, TypeInformation<RowData> produced) {
        super(produced);
        this.rules = rules;
        columns = new int[rules.size()];
        Arrays.fill(columns, -1);
        width = columnTypes.getFieldCount();
        for (int i = 0; i < width; i++) {
            RowType.RowField field = columnTypes.getFields().get(i);
            FieldRule rule = rules.get(field.getName());
            LogicalTypeRoot type = field.getType().getTypeRoot();
            if (rule == null || type != (rule.isText() ? LogicalTypeRoot.VARCHAR : LogicalTypeRoot.BIGINT)) {
                throw new ValidationException(
                        "strict-json reads strings as STRING and integers as BIGINT, of fields that its schema has; column "
                                + field.getName() + " is " + field.getType().asSummaryString());
            }
            columns[rule.place()] = i;
        }
        required = rules.values().stream().filter(FieldRule::isRequired).mapToLong(FieldRule::bit).sum();
    }

    @Override
    public void open(InitializationContext context) {
        json = new JsonFactoryBuilder()
                // ASCII in UTF-16 would be read as such: only UTF-8 is meant here.
                .disable(JsonFactory.Feature.CHARSET_DETECTION)
                // Names that we do not know are many: no table of them for ever, no exception when it is full.
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
                // The limits are Kafka's on a message's size, and ours below.
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH + 1)
                        .maxNameLength(Integer.MAX_VALUE)
                        .maxNumberLength(Integer.MAX_VALUE)
                        .maxStringLength(Integer.MAX_VALUE)
                        .build())
                .build();
    }

    @Override
    public RowData deserialize(byte[] message) {
        if (message == null) {
            return null;
        }
        try {
            Suspicion suspicion = Suspicion.of(message);
            if (suspicion.hasBytesAboveAscii) {
                // Jackson lets some malformed UTF-8 pass; the decoder does not.
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(message));
            }
            return read(message, suspicion.hasEscapedSurrogate);
        } catch (IOException | RuntimeException e) {
            // RuntimeException too: a job that died of a parser's bug would read the same message again, for ever.
            return null;
        }
    }

    private RowData read(byte[] message, boolean checkSurrogates) throws IOException {
        try (JsonParser parser = json.createParser(message)) {
            if (message.length > 0 && message[0] == (byte) 0xEF || parser.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            GenericRowData row = new GenericRowData(width);
            long seen = 0;
            long given = 0;
            int depth = 1;
            FieldRule rule = null;
            while (depth > 0) {
                JsonToken token = parser.nextToken();
                if (token == null || depth > MAX_DEPTH && !token.isStructEnd()) {
                    return null;
                }
                switch (token) {
                    case FIELD_NAME:
                        String name = parser.currentName();
                        if (checkSurrogates && hasLoneSurrogate(name)) {
                            return null;
                        }
                        rule = depth == 1 ? rules.get(name) : null;
                        if (rule != null && (seen & rule.bit()) != 0) {
                            rule = null;
                        } else if (rule != null) {
                            seen |= rule.bit();
                        }
                        continue;
                    case START_OBJECT:
                    case START_ARRAY:
                        if (rule != null) {
                            return null;
                        }
                        depth++;
                        break;
                    case END_OBJECT:
                    case END_ARRAY:
                        depth--;
                        break;
                    case VALUE_STRING:
                        if (rule != null) {
                            String text = parser.getText();
                            if (!rule.isText() || checkSurrogates && hasLoneSurrogate(text) || !rule.admits(text)) {
                                return null;
                            }
                            given |= rule.bit();
                            int column = columns[rule.place()];
                            if (column >= 0) {
                                row.setField(column, StringData.fromString(text));
                            }
                        } else if (checkSurrogates && hasLoneSurrogate(parser.getText())) {
                            return null;
                        }
                        break;
                    case VALUE_NUMBER_INT:
                        if (parser.getTextLength() > LONGEST_INTEGER) {
                            return null;
                        }
                        if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                            BigInteger value = parser.getBigIntegerValue();
                            // Beyond 64 bits no reader on the way agrees on the value: not valid JSON here.
                            if (value.compareTo(MAX_UNSIGNED) > 0 || value.compareTo(MIN_SIGNED) < 0 || rule != null) {
                                return null;
                            }
                        } else if (rule != null) {
                            long number = parser.getLongValue();
                            if (rule.isText() || !rule.admits(number)) {
                                return null;
                            }
                            given |= rule.bit();
                            int column = columns[rule.place()];
                            if (column >= 0) {
                                row.setField(column, number);
                            }
                        }
                        break;
                    case VALUE_NUMBER_FLOAT:
                        if (rule != null || Double.isInfinite(parser.getDoubleValue())) {
                            return null;
                        }
                        break;
                    case VALUE_TRUE:
                    case VALUE_FALSE:
                        if (rule != null) {
                            return null;
                        }
                        break;
                    case VALUE_NULL:
                        break;
                    default:
                        return null;
                }
                rule = null;
            }
            return (given & required) == required && parser.nextToken() == null ? row : null;
        }
    }

    @Override
    public boolean isEndOfStream(RowData row) {
        return false;
    }

    private static boolean hasLoneSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c)) {
                if (++i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return true;
                }
            } else if (Character.isLowSurrogate(c)) {
                return true;
            }
        }
        return false;
    }

    /** What one pass over the bytes says must be checked with more care, so that plain messages pay nothing for it. */
    private record Suspicion(boolean hasBytesAboveAscii, boolean hasEscapedSurrogate) {
        static Suspicion of(byte[] message) {
            boolean above = false;
            boolean surrogate = false;
            for (int i = 0; i < message.length; i++) {
                byte b = message[i];
                above |= b < 0;
                surrogate |= b == '\\' && i + 2 < message.length && message[i + 1] == 'u' && (message[i + 2] | 0x20) == 'd';
            }
            return new Suspicion(above, surrogate);
        }
    }
}
