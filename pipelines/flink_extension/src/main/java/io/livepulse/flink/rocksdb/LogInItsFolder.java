package io.livepulse.flink.rocksdb;

import java.util.Collection;
import org.apache.flink.state.rocksdb.RocksDBOptionsFactory;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;

/**
 * Leaves RocksDB's log in its own folder, where RocksDB has it by itself, and where it goes with the database.
 *
 * <p>Flink puts it beside its own logs, in a file that is called by the whole path of the database. Flink does not do so where that
 * name would be too long for a file system; but when it restores RocksDB's own files with another parallelism it opens databases in
 * folders one deeper, without looking: tasks fail for ever, and each attempt leaves a log behind.
 */
public final class LogInItsFolder implements RocksDBOptionsFactory {
    private static final long serialVersionUID = 1L;

    @Override
    public DBOptions createDBOptions(DBOptions current, Collection<AutoCloseable> handlesToClose) {
        return current.setDbLogDir("");
    }

    @Override
    public ColumnFamilyOptions createColumnOptions(ColumnFamilyOptions current, Collection<AutoCloseable> handlesToClose) {
        return current;
    }
}
