package io.livepulse.flink.novelty;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.table.data.RowData;

/** Which partition a row is of: the texts of some of its columns, as one key of a map. */
final class User {
    private static final int NULL = -1;

    private final byte[] bytes;
    private final int hash;

    private User(byte[] bytes) {
        this.bytes = bytes;
        // Ids that count up differ in a few low bits of such a sum: spread over all of them, else one place of a map gets many.
        this.hash = Integer.reverseBytes(Arrays.hashCode(bytes) * 0x9E3779B9);
    }

    /** Lengths keep apart what has each other's characters. */
    static User of(RowData row, int[] columns) {
        byte[][] texts = new byte[columns.length][];
        int length = 0;
        for (int i = 0; i < columns.length; i++) {
            texts[i] = row.isNullAt(columns[i]) ? null : row.getString(columns[i]).toBytes();
            length += Integer.BYTES + (texts[i] == null ? 0 : texts[i].length);
        }
        ByteBuffer all = ByteBuffer.allocate(length);
        for (byte[] text : texts) {
            all.putInt(text == null ? NULL : text.length);
            if (text != null) {
                all.put(text);
            }
        }
        return new User(all.array());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof User && hash == ((User) other).hash && Arrays.equals(bytes, ((User) other).bytes);
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
