package io.livepulse.flink.novelty;

import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;

/**
 * Adds to each row what its user does for the first time, so that distinct users can be counted by COUNT(*):
 * {@code novelty(input => TABLE rows PARTITION BY (room_id, user_id), kinds => 'comment, like, …', uid => '…')}.
 *
 * <p>A partition is one user (or what else is counted once), named by columns of texts. The input has the columns
 * {@code kind STRING}, {@code broadcast_id STRING} and {@code event_time BIGINT} (ms), none of them NULL, and may have
 * {@code family STRING} (several kinds counted together) and {@code item STRING} (a product), both nullable. It passes every
 * column through and adds {@link #COLUMNS}: whether the user, the family or the kind is new in the row's 10 s, minute or
 * broadcast, and the user in the broadcast's part of these 10 s and this minute; and whether the kind is new for the item in
 * the broadcast.
 *
 * <p>{@code kinds} names all kinds and families, eight at most. Their places in the list are bits in the state: a new one is
 * added at the end, or the state is read wrongly after an upgrade. Another kind than these fails the job.
 *
 * <p>State by user: a minute has one entry with, for each broadcast, one byte of kinds for each of its six slots of 10 s;
 * a broadcast, and an item in it, have one byte of kinds. Sets only grow, so a row that comes twice, or out of order, adds
 * nothing new.
 */
public final class Novelty extends ProcessTableFunction<RowData> implements SpecializedFunction {
    private static final long serialVersionUID = 1L;

    /** What is added, in this order; all of it BOOLEAN. */
    static final List<String> COLUMNS = List.of(
            "user_new_in_10s", "family_new_in_10s", "kind_new_in_10s",
            "user_new_in_1m", "family_new_in_1m", "kind_new_in_1m",
            "user_new_in_broadcast", "family_new_in_broadcast", "kind_new_in_broadcast",
            "user_new_in_broadcast_10s", "user_new_in_broadcast_1m",
            "kind_new_with_item");

    private static final String INPUT = "input";
    private static final int MINUTE_MS = 60_000;
    private static final int SLOT_MS = 10_000;

    /**
     * Users of a task whose latest entries stay on the heap, about 0.3 KB each, at least: who is active need not be read from
     * RocksDB. There are twice as many at most.
     */
    private static final int CACHED_USERS = 32_768;

    /** What the rows of one call consist of; null before that is known. */
    private final DataType rows;

    private transient Call call;

    /**
     * What state holds too, by user. Written through, so that a checkpoint has everything. Who came since `young` was last full,
     * and who came in the round before: a list of all by their last use would be written with each event.
     */
    private transient Map<User, Recent> young;

    private transient Map<User, Recent> old;

    /** For the catalogue: rows of any columns. */
    public Novelty() {
        this(null);
    }

    private Novelty(DataType rows) {
        this.rows = rows;
    }

    /**
     * The function for the rows of one call. Flink converts rows of any columns to {@link Row}, each field of each, which costs a
     * seventh of a job's CPU; of rows whose columns are declared it hands over its own.
     */
    @Override
    public UserDefinedFunction specialize(SpecializedContext context) {
        return new Novelty(context.getCallContext().getArgumentDataTypes().get(0).bridgedTo(RowData.class));
    }

    @Override
    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType seen = MapView.newMapViewDataType(DataTypes.STRING().notNull(), DataTypes.BYTES().notNull());
        LinkedHashMap<String, StateTypeStrategy> state = new LinkedHashMap<>();
        state.put("seen", StateTypeStrategy.of(TypeStrategies.explicit(seen)));
        EnumSet<StaticArgumentTrait> traits =
                EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE, StaticArgumentTrait.PASS_COLUMNS_THROUGH);
        return TypeInference.newBuilder()
                .staticArguments(
                        rows == null
                                ? StaticArgument.table(INPUT, Row.class, false, traits)
                                : StaticArgument.table(INPUT, rows, false, traits),
                        StaticArgument.scalar("kinds", DataTypes.STRING(), false))
                .stateTypeStrategies(state)
                .outputTypeStrategy(Novelty::added)
                .build();
    }

    /** What is added to the rows of a call; one that could not be answered is refused here, while the job is planned. */
    private static Optional<DataType> added(CallContext context) {
        TableSemantics table = context.getTableSemantics(0).orElseThrow();
        String kinds = context.getArgumentValue(1, String.class).orElseThrow(() -> context.newValidationError("kinds is a literal."));
        try {
            call(table, kinds);
        } catch (IllegalArgumentException wrong) {
            throw context.newValidationError("novelty: %s.", wrong.getMessage());
        }
        DataTypes.Field[] columns =
                COLUMNS.stream().map(name -> DataTypes.FIELD(name, DataTypes.BOOLEAN().notNull())).toArray(DataTypes.Field[]::new);
        return Optional.of(DataTypes.ROW(columns).notNull().bridgedTo(RowData.class));
    }

    private static Call call(TableSemantics table, String kinds) {
        return new Call((RowType) table.dataType().getLogicalType(), table.partitionByColumns(), kinds);
    }

    public void eval(Context context, MapView<String, byte[]> seen, RowData input, String kinds) throws Exception {
        if (call == null) {
            call = call(context.tableSemanticsFor(INPUT), kinds);
            young = new HashMap<>();
            old = new HashMap<>();
        }
        Recent user = recent(User.of(input, call.partition));
        int kind = call.bit(input, call.kind);
        int family = call.bit(input, call.family);
        int both = kind | family;
        byte[] broadcast = input.getString(call.broadcast).toBytes();
        long time = input.getLong(call.time);

        Minute minute = inMinute(seen, user, time, broadcast, both);
        int inBroadcast = inBroadcast(seen, user, broadcast, both);

        GenericRowData output = new GenericRowData(COLUMNS.size());
        setNew(output, 0, minute.slot, kind, family);
        setNew(output, 3, minute.all, kind, family);
        setNew(output, 6, inBroadcast, kind, family);
        output.setField(9, minute.broadcastSlot == 0);
        output.setField(10, minute.broadcastAll == 0);
        byte[] item = call.item(input);
        output.setField(11, item != null && (withItem(seen, user, broadcast, item, kind) & kind) == 0);
        collect(output);
    }

    private Recent recent(User user) {
        Recent found = young.get(user);
        if (found == null) {
            found = old.remove(user);
            if (young.size() >= CACHED_USERS) {
                old = young;
                young = new HashMap<>();
            }
            if (found == null) {
                found = new Recent();
            }
            young.put(user, found);
        }
        return found;
    }

    /** Adds kinds to the minute, and returns it as it was. */
    private static Minute inMinute(MapView<String, byte[]> seen, Recent user, long time, byte[] broadcast, int added)
            throws Exception {
        long number = time / MINUTE_MS;
        byte[] entry = user.minute(seen, number);
        Minute minute = Minute.of(entry, broadcast, (int) (time % MINUTE_MS / SLOT_MS));
        byte[] changed = minute.with(added);
        if (changed != null) {
            user.putMinute(seen, number, changed);
        }
        return minute;
    }

    /** Adds kinds to the broadcast, and returns those that it had. */
    private static int inBroadcast(MapView<String, byte[]> seen, Recent user, byte[] broadcast, int added) throws Exception {
        int before = user.broadcast(broadcast);
        if ((before & added) != added) {
            before = addTo(seen, "b" + text(broadcast), before, added);
            user.setBroadcast(broadcast, (byte) (before | added));
        }
        return before;
    }

    /** Adds kinds to the item in the broadcast, and returns those that it had. */
    private static int withItem(MapView<String, byte[]> seen, Recent user, byte[] broadcast, byte[] item, int added)
            throws Exception {
        int before = user.item(broadcast, item);
        if ((before & added) != added) {
            // The length keeps ids apart that have each other's characters.
            String name = text(broadcast);
            before = addTo(seen, "i" + name.length() + ":" + name + text(item), before, added);
            user.setItem(broadcast, item, (byte) (before | added));
        }
        return before;
    }

    /** Adds bits to an entry of one byte in state, and returns what it was; which is asked for where nothing is known of it. */
    private static int addTo(MapView<String, byte[]> seen, String key, int known, int added) throws Exception {
        byte[] entry = known == 0 ? seen.get(key) : null;
        int before = entry == null ? known : entry[0];
        if ((before & added) != added) {
            seen.put(key, new byte[] {(byte) (before | added)});
        }
        return before;
    }

    private static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }

    private static void setNew(GenericRowData output, int at, int before, int kind, int family) {
        output.setField(at, before == 0);
        output.setField(at + 1, family != 0 && (before & family) == 0);
        output.setField(at + 2, (before & kind) == 0);
    }
}
