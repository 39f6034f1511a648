using System.Globalization;
using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The tables in the file and the settings of the connection that writes.</summary>
internal static class SqliteSchema
{
    private const long ApplicationId = 0x436F6D74; // "Comt"
    private const long FileVersion = 2;

    /// <summary>
    /// The highest offset: a client's numbers are exact up to it, and no log gets so far. Another program wrote what is beyond it.
    /// </summary>
    internal const long MaxOffset = (1L << 53) - 1;

    /// <summary>Which rows of entries are a log's.</summary>
    internal static readonly string IsOffset = string.Create(CultureInfo.InvariantCulture, $"offset BETWEEN 1 AND {MaxOffset}");

    // entries.total: the bytes of the feed's payloads up to and including this one, so that the size of any range is one subtraction.
    // entries.payload: NULL is a completion. An empty one was written by another program, and is as good as any text that is no JSON.
    // feeds.trimmed: the highest offset that was removed; it counts only while the feed has no entries.
    // feeds.id: never given to another feed (AUTOINCREMENT), which a log that is still open would take for its own.
    // seed, removals: what the epochs of keys without a row are made of (SqliteEpoch).
    private const string Tables =
        """
        CREATE TABLE feeds (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, trimmed INTEGER NOT NULL,
            keep_ms INTEGER NOT NULL);
        CREATE TABLE entries (
            feed INTEGER NOT NULL, offset INTEGER NOT NULL, at_ms INTEGER NOT NULL, total INTEGER NOT NULL, payload BLOB,
            PRIMARY KEY (feed, offset)) WITHOUT ROWID;
        CREATE TABLE seed (value TEXT NOT NULL);
        INSERT INTO seed VALUES (hex(randomblob(16)));
        CREATE TABLE removals (bucket INTEGER PRIMARY KEY, count INTEGER NOT NULL);
        CREATE TABLE probe (filler BLOB NOT NULL);
        """;

    /// <summary>
    /// Prepares the connection that writes, so that its commits are on the disk when they return. The file of another program is not
    /// changed.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="path">The file.</param>
    /// <param name="verify">Whether to check the whole file first and move the WAL into it.</param>
    internal static void Prepare(SqliteConnection connection, string path, bool verify)
    {
        IsEmpty(connection, path);
        if (verify)
        {
            Verify(connection, path);
        }
        if (Scalar(connection, "PRAGMA journal_mode = WAL") is not "wal")
        {
            throw new FeedUnavailableException(
                $"{path} is on a file system without support for write-ahead logging, such as a network share. Put it on a local disk.");
        }
        Execute(connection, "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON"); // on macOS only the second makes the disk write its cache
        Execute(connection, "BEGIN IMMEDIATE");
        if (IsEmpty(connection, path))
        {
            Execute(connection, Tables);
            Execute(connection, string.Create(
                CultureInfo.InvariantCulture,
                $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {FileVersion}"));
        }
        Execute(connection, "COMMIT");
    }

    /// <summary>Whether the file is empty; otherwise it is a file of this store.</summary>
    /// <exception cref="FeedUnavailableException">It is neither.</exception>
    private static bool IsEmpty(SqliteConnection connection, string path)
    {
        switch (Scalar(connection, "PRAGMA application_id"))
        {
            case ApplicationId when Scalar(connection, "PRAGMA user_version") is FileVersion:
                return false;
            case ApplicationId:
                throw new FeedUnavailableException(
                    $"{path} was written by another version of this store. Move it away, or run that version.");
            case 0L when Scalar(connection, "SELECT count(*) FROM sqlite_schema") is 0L:
                return true;
            default:
                throw new FeedUnavailableException(
                    $"{path} is the database of another program. Name another file in ConnectionStrings:Comet.");
        }
    }

    // Checks the whole file, and moves the WAL into it, as the disk may fail to keep the WAL.
    private static void Verify(SqliteConnection connection, string path)
    {
        if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok")
        {
            throw new FeedUnavailableException(SqliteFaults.Damaged(path));
        }
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
