using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Comet.AspNetCore.Sqlite;

/// <summary>What SQLite knows of the file behind a connection and its provider does not tell.</summary>
internal static class SqliteFile
{
    private const int HasMovedOperation = 20; // SQLITE_FCNTL_HAS_MOVED

    /// <summary>
    /// Whether the file was removed or renamed, or another is in its place. Windows lets nobody do that to an open file, and SQLite answers
    /// there that it does not know.
    /// </summary>
    internal static bool HasMoved(SqliteConnection connection) =>
        Control(connection.Handle!, 0, HasMovedOperation, out var hasMoved) == raw.SQLITE_OK && hasMoved != 0;

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control")]
    private static extern int Control(sqlite3 connection, nint mainDatabase, int operation, out int result);
}
