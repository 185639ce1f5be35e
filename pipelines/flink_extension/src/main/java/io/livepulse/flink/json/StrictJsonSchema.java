package io.livepulse.flink.json;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactoryBuilder;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * Reads one JSON object a message into a row of STRING and BIGINT columns.
 *
 * <p>A message gives no row when it is not an object of valid JSON in UTF-8, or when a declared field has a value of
 * another type: a number in quotes is not a number, 1.0 is not an integer. A field that is absent or null is null; of a
 * name that stands twice, the first value counts. All of it as the other two readers decide: docs/adr/0003-strict-json.md.
 * Nothing here fails a job: what gives no row is kept, with the reason, by the storage's own reading of the topic.
 */
final class StrictJsonSchema extends AbstractDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1L;
    private static final BigInteger MAX_UNSIGNED = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    private static final BigInteger MIN_SIGNED = BigInteger.valueOf(Long.MIN_VALUE);
    private static final int LONGEST_INTEGER = "-9223372036854775808".length();

    /** How many objects and arrays a value may stand in: where ClickHouse's parser ends. */
    private static final int MAX_DEPTH = 1023;

    private final Map<String, Integer> columns = new HashMap<>();
    private final boolean[] isText;
    private transient JsonFactory json;

    StrictJsonSchema(RowType type, TypeInformation<RowData> produced) {
        super(produced);
        isText = new boolean[type.getFieldCount()];
        for (int i = 0; i < isText.length; i++) {
            RowType.RowField field = type.getFields().get(i);
            LogicalTypeRoot root = field.getType().getTypeRoot();
            if (root != LogicalTypeRoot.VARCHAR && root != LogicalTypeRoot.BIGINT) {
                throw new IllegalArgumentException(
                        "strict-json reads STRING and BIGINT columns; column " + field.getName() + " is "
                                + field.getType().asSummaryString());
            }
            columns.put(field.getName(), i);
            isText[i] = root == LogicalTypeRoot.VARCHAR;
        }
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
            GenericRowData row = new GenericRowData(isText.length);
            boolean[] seen = new boolean[isText.length];
            int depth = 1;
            Integer column = null;
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
                        column = depth == 1 ? columns.get(name) : null;
                        if (column != null && seen[column]) {
                            column = null;
                        } else if (column != null) {
                            seen[column] = true;
                        }
                        continue;
                    case START_OBJECT:
                    case START_ARRAY:
                        if (column != null) {
                            return null;
                        }
                        depth++;
                        break;
                    case END_OBJECT:
                    case END_ARRAY:
                        depth--;
                        break;
                    case VALUE_STRING:
                        if (column != null) {
                            if (!isText[column]) {
                                return null;
                            }
                            String text = parser.getText();
                            if (checkSurrogates && hasLoneSurrogate(text)) {
                                return null;
                            }
                            row.setField(column, StringData.fromString(text));
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
                            if (value.compareTo(MAX_UNSIGNED) > 0 || value.compareTo(MIN_SIGNED) < 0 || column != null) {
                                return null;
                            }
                        } else if (column != null) {
                            if (isText[column]) {
                                return null;
                            }
                            row.setField(column, parser.getLongValue());
                        }
                        break;
                    case VALUE_NUMBER_FLOAT:
                        if (column != null || Double.isInfinite(parser.getDoubleValue())) {
                            return null;
                        }
                        break;
                    case VALUE_TRUE:
                    case VALUE_FALSE:
                        if (column != null) {
                            return null;
                        }
                        break;
                    case VALUE_NULL:
                        break;
                    default:
                        return null;
                }
                column = null;
            }
            return parser.nextToken() == null ? row : null;
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
