using System.Globalization;
using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>What the file looks like, and how connections to it behave.</summary>
internal static class SqliteSchema
{
    private const long ApplicationId = 0x436F6D74; // "Comt"
    private const long Version = 1;

    // An entry's total is the bytes of its feed's payloads up to and including it, so that the size of any range is one subtraction.
    // A feed's trimmed is the highest offset that was removed, and counts only while the feed has no entries.
    private const string Tables =
        """
        CREATE TABLE feeds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, trimmed INTEGER NOT NULL, keep_ms INTEGER NOT NULL);
        CREATE TABLE entries (
            feed INTEGER NOT NULL, offset INTEGER NOT NULL, at_ms INTEGER NOT NULL, total INTEGER NOT NULL, payload BLOB NOT NULL,
            PRIMARY KEY (feed, offset)) WITHOUT ROWID;
        CREATE TABLE probe (filler BLOB NOT NULL);
        """;

    /// <summary>Prepares the connection that writes: a commit has reached the disk when it returns.</summary>
    internal static void Prepare(SqliteConnection connection, string path)
    {
        if (Scalar(connection, "PRAGMA journal_mode = WAL") is not "wal")
        {
            throw new FeedUnavailableException($"{path} is on a file system that cannot do write-ahead logging, as network shares cannot. Put it on a local disk.");
        }
        Execute(connection, "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON"); // on macOS only the second reaches the disk itself
        Execute(connection, "BEGIN IMMEDIATE");
        if (Scalar(connection, "PRAGMA application_id") is not ApplicationId)
        {
            if (Scalar(connection, "SELECT count(*) FROM sqlite_schema") is not 0L)
            {
                throw new FeedUnavailableException($"{path} is the database of another program. Name another file in ConnectionStrings:Comet.");
            }
            Execute(connection, Tables);
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Version}"));
        }
        else if (Scalar(connection, "PRAGMA user_version") is not Version)
        {
            throw new FeedUnavailableException($"{path} was written by another version of this store. Move it away, or run that version.");
        }
        Execute(connection, "COMMIT");
    }

    /// <summary>Reads the whole file, and rests no longer on a log that the disk may have failed to keep.</summary>
    internal static void Verify(SqliteConnection connection, string path)
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
