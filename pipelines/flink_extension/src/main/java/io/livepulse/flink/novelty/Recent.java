package io.livepulse.flink.novelty;

/**
 * A user's latest entries, on the heap: the last two minutes, one broadcast, and a few items of it. State holds them too.
 *
 * <p>Fields and short arrays instead of maps: there are some hundred thousand of these, and the collector visits them all.
 */
final class Recent {
    private static final int ITEMS = 4;

    private long minute = -1;
    private long minuteBefore = -1;
    private byte[] entry;
    private byte[] entryBefore;

    private String broadcast;
    private byte kinds;
    private String[] items;
    private byte[] itemKinds;
    private int nextItem;

    /** The entry of a minute; null when it is not here. */
    byte[] minute(long number) {
        return number == minute ? entry : number == minuteBefore ? entryBefore : null;
    }

    void setMinute(long number, byte[] changed) {
        if (number == minute) {
            entry = changed;
        } else if (number > minute) {
            minuteBefore = minute;
            entryBefore = entry;
            minute = number;
            entry = changed;
        } else if (number >= minuteBefore) {
            minuteBefore = number;
            entryBefore = changed;
        }
    }

    /** Kinds in a broadcast; 0 when they are not here. */
    byte broadcast(String name) {
        return name.equals(broadcast) ? kinds : 0;
    }

    void setBroadcast(String name, byte changed) {
        if (!name.equals(broadcast)) {
            broadcast = name;
            items = null;
        }
        kinds = changed;
    }

    /** Kinds of an item in a broadcast; 0 when they are not here. */
    byte item(String ofBroadcast, String name) {
        int at = at(ofBroadcast, name);
        return at < 0 ? 0 : itemKinds[at];
    }

    /** Only of the broadcast that was set last. */
    void setItem(String ofBroadcast, String name, byte changed) {
        if (!ofBroadcast.equals(broadcast)) {
            return;
        }
        if (items == null) {
            items = new String[ITEMS];
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

    private int at(String ofBroadcast, String name) {
        if (items != null && ofBroadcast.equals(broadcast)) {
            for (int i = 0; i < ITEMS; i++) {
                if (name.equals(items[i])) {
                    return i;
                }
            }
        }
        return -1;
    }
}
