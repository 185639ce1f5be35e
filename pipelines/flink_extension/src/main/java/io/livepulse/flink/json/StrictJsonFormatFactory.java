package io.livepulse.flink.json;

import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/** Makes {@code 'format' = 'strict-json'} known to Flink SQL; read only. */
public final class StrictJsonFormatFactory implements DeserializationFormatFactory {

    /** All fields of a message with their rules, read or not: only a message that keeps them gives a row. */
    private static final ConfigOption<String> SCHEMA = ConfigOptions.key("schema")
            .stringType()
            .noDefaultValue()
            .withDescription("JSON Schema of the messages: properties of type string or integer, with their bounds, and required.");

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        Map<String, FieldRule> rules;
        try {
            rules = FieldRule.of(options.get(SCHEMA));
        } catch (IllegalArgumentException e) {
            throw new ValidationException("strict-json.schema: " + e.getMessage(), e);
        }
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context sourceContext, DataType physicalType) {
                return new StrictJsonSchema(
                        (RowType) physicalType.getLogicalType(), rules, sourceContext.createTypeInformation(physicalType));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    @Override
    public String factoryIdentifier() {
        return "strict-json";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(SCHEMA);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
