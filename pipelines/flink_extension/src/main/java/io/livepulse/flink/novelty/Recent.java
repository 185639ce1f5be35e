package io.livepulse.flink.novelty;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.table.api.dataview.MapView;

/**
 * A user's latest entries, on the heap: the newest minute and one before it, one broadcast, and a few items of it. State holds
 * them too.
 *
 * <p>Fields and short arrays instead of maps: there are some hundred thousand of these, and the collector visits them all.
 */
final class Recent {
    private static final int ITEMS = 4;

    /** Key in state of the newest minute: its number, then its entry. */
    private static final String NEWEST = "n";

    private static final long NONE = -1;

    private boolean isLoaded;
    private long newest = NONE;
    private long before = NONE;
    private byte[] newestEntry;
    private byte[] beforeEntry;

    private byte[] broadcast;
    private byte kinds;
    private byte[][] items;
    private byte[] itemKinds;
    private int nextItem;

    /**
     * The entry of a minute; null is one in which nothing was done. A minute that has just begun is not asked for: what state
     * knows of a user's newest minute is here.
     */
    byte[] minute(MapView<String, byte[]> seen, long number) throws Exception {
        if (!isLoaded) {
            byte[] stored = seen.get(NEWEST);
            if (stored != null) {
                newest = ByteBuffer.wrap(stored).getLong();
                newestEntry = Arrays.copyOfRange(stored, Long.BYTES, stored.length);
            }
            isLoaded = true;
        }
        if (number > newest) {
            return null;
        }
        if (number == newest) {
            return newestEntry;
        }
        if (number != before) {
            beforeEntry = seen.get(older(number));
            before = number;
        }
        return beforeEntry;
    }

    /** Keeps a minute's entry that has changed. */
    void putMinute(MapView<String, byte[]> seen, long number, byte[] changed) throws Exception {
        if (number < newest) {
            seen.put(older(number), changed);
            before = number;
            beforeEntry = changed;
            return;
        }
        if (number > newest && newest != NONE) {
            seen.put(older(newest), newestEntry);
            before = newest;
            beforeEntry = newestEntry;
        }
        newest = number;
        newestEntry = changed;
        seen.put(NEWEST, ByteBuffer.allocate(Long.BYTES + changed.length).putLong(number).put(changed).array());
    }

    private static String older(long number) {
        return "m" + number;
    }

    /** Kinds in a broadcast; 0 when they are not here. */
    byte broadcast(byte[] name) {
        return Arrays.equals(name, broadcast) ? kinds : 0;
    }

    void setBroadcast(byte[] name, byte changed) {
        if (!Arrays.equals(name, broadcast)) {
            broadcast = name;
            items = null;
        }
        kinds = changed;
    }

    /** Kinds of an item in a broadcast; 0 when they are not here. */
    byte item(byte[] ofBroadcast, byte[] name) {
        int at = at(ofBroadcast, name);
        return at < 0 ? 0 : itemKinds[at];
    }

    /** Only of the broadcast that was set last. */
    void setItem(byte[] ofBroadcast, byte[] name, byte changed) {
        if (!Arrays.equals(ofBroadcast, broadcast)) {
            return;
        }
        if (items == null) {
            items = new byte[ITEMS][];
            itemKinds = new byte[ITEMS];
            nextItem = 0;
        }
        int at = at(ofBroadcast, name);
        if (at < 0) {
            at = nextItem;
            nextItem = (nextItem + 1) % ITEMS;
        }
        items[at] = name;
        itemKinds[at] = changed;
    }

    private int at(byte[] ofBroadcast, byte[] name) {
        if (items != null && Arrays.equals(ofBroadcast, broadcast)) {
            for (int i = 0; i < ITEMS; i++) {
                if (Arrays.equals(name, items[i])) {
                    return i;
                }
            }
        }
        return -1;
    }
}
