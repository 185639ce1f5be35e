package io.livepulse.flink.novelty;

import java.util.Arrays;

/**
 * What a user did in one minute, seen from one of its slots and one broadcast: bits of kinds.
 *
 * <p>As bytes: for each broadcast six bytes of kinds, one a slot, two bytes with the length of its name, lower one first, and
 * the name in UTF-8.
 */
final class Minute {
    private static final int SLOTS = 6;
    private static final int HEAD = SLOTS + 2;

    /** In the slot, whatever the broadcast; in the whole minute; in the slot and the minute of this broadcast alone. */
    int slot;

    int all;
    int broadcastSlot;
    int broadcastAll;

    private final byte[] bytes;
    private final byte[] name;
    private final int slotNumber;

    /** Where the broadcast's slots begin; the end when there are none yet. */
    private int at;

    private Minute(byte[] bytes, byte[] name, int slotNumber) {
        this.bytes = bytes;
        this.name = name;
        this.slotNumber = slotNumber;
        this.at = bytes.length;
    }

    /** Reads an entry; null is a minute in which nothing was done. */
    static Minute of(byte[] entry, byte[] broadcast, int slotNumber) {
        byte[] bytes = entry == null ? new byte[0] : entry;
        Minute minute = new Minute(bytes, broadcast, slotNumber);
        for (int from = 0, next; from < bytes.length; from = next) {
            int end = from + HEAD;
            next = end + (bytes[end - 2] & 0xFF | (bytes[end - 1] & 0xFF) << 8);
            int kinds = 0;
            for (int i = 0; i < SLOTS; i++) {
                kinds |= bytes[from + i];
            }
            minute.slot |= bytes[from + slotNumber];
            minute.all |= kinds;
            if (Arrays.equals(bytes, end, next, minute.name, 0, minute.name.length)) {
                minute.at = from;
                minute.broadcastSlot = bytes[from + slotNumber];
                minute.broadcastAll = kinds;
            }
        }
        return minute;
    }

    /** The entry with more kinds in this slot of the broadcast; null when it has them all. */
    byte[] with(int kinds) {
        if ((broadcastSlot & kinds) == kinds) {
            return null;
        }
        byte[] changed = Arrays.copyOf(bytes, Math.max(bytes.length, at + HEAD + name.length));
        changed[at + slotNumber] |= (byte) kinds;
        changed[at + SLOTS] = (byte) name.length;
        changed[at + SLOTS + 1] = (byte) (name.length >> 8);
        System.arraycopy(name, 0, changed, at + HEAD, name.length);
        return changed;
    }
}
