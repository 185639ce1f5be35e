package io.livepulse.flink.novelty;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/** One call of {@code novelty}: where its rows have what is asked for, and the bit of each kind. */
final class Call {
    private static final int MAX_KINDS = 8;
    private static final int ABSENT = -1;

    /** The columns that name the user. */
    final int[] partition;

    final int kind;
    final int family;
    final int broadcast;
    final int item;
    final int time;
    private final Map<StringData, Integer> bits = new LinkedHashMap<>();

    /** @throws IllegalArgumentException the call could not be answered; the message says why */
    Call(RowType row, int[] partition, String kinds) {
        for (String name : kinds.split(",")) {
            if (bits.put(StringData.fromString(name.strip()), 1 << bits.size()) != null) {
                throw new IllegalArgumentException("kinds name '" + name.strip() + "' twice");
            }
        }
        if (bits.size() > MAX_KINDS) {
            throw new IllegalArgumentException("there may be " + MAX_KINDS + " kinds, not " + bits.size() + ": " + kinds);
        }
        for (int column : partition) {
            mustBeText(row, column);
        }
        this.partition = partition;
        this.kind = text(row, "kind", true);
        this.family = text(row, "family", false);
        this.broadcast = text(row, "broadcast_id", true);
        this.item = text(row, "item", false);
        this.time = required(row, "event_time");
        LogicalType type = row.getTypeAt(time);
        if (!type.is(LogicalTypeRoot.BIGINT)) {
            throw new IllegalArgumentException("event_time is a BIGINT of milliseconds, not " + type);
        }
    }

    /** The bit of the kind or family in a column; 0 where there is none. */
    int bit(RowData input, int column) {
        if (isAbsent(input, column)) {
            return 0;
        }
        StringData name = input.getString(column);
        Integer bit = bits.get(name);
        if (bit == null) {
            throw new IllegalArgumentException("novelty: '" + name + "' is none of the kinds " + bits.keySet());
        }
        return bit;
    }

    /** The item's bytes; null where there is none. */
    byte[] item(RowData input) {
        return isAbsent(input, item) ? null : input.getString(item).toBytes();
    }

    private static boolean isAbsent(RowData input, int column) {
        return column == ABSENT || input.isNullAt(column);
    }

    private static int text(RowType row, String name, boolean required) {
        int column = required ? required(row, name) : row.getFieldIndex(name);
        if (column != ABSENT) {
            mustBeText(row, column);
        }
        return column;
    }

    private static int required(RowType row, String name) {
        List<String> names = row.getFieldNames();
        if (!names.contains(name)) {
            throw new IllegalArgumentException("a column " + name + " is needed; there are " + names);
        }
        return names.indexOf(name);
    }

    private static void mustBeText(RowType row, int column) {
        LogicalType type = row.getTypeAt(column);
        if (!type.is(LogicalTypeFamily.CHARACTER_STRING)) {
            throw new IllegalArgumentException(row.getFieldNames().get(column) + " must be a text, not " + type);
        }
    }
}
