using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Turns exceptions into messages that say what is wrong with the file and what to do.</summary>
internal static class SqliteFaults
{
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int Io = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NoDatabase = 26;

    // errno of Linux and macOS
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;

    internal static FeedUnavailableException Describe(Exception exception, string path) => exception switch
    {
        FeedUnavailableException known => known,
        SqliteException sqlite => new(Describe(sqlite, path), sqlite),
        UnauthorizedAccessException or IOException { HResult: ReadOnlyFileSystem } => new(NoAccess(path), exception),
        IOException { HResult: NoSpace } => new(NoRoom(path), exception),
        IOException => new($"{path} cannot be opened: {exception.Message}", exception),
        _ => new($"{path} cannot be used: an unexpected {exception.GetType().Name}. The log messages have the details.", exception),
    };

    /// <summary>Makes an exception of its own for each caller, as each throw writes to its exception.</summary>
    internal static FeedUnavailableException Copy(FeedUnavailableException fault) => new(fault.Message, fault.InnerException ?? fault);

    /// <summary>Whether the file is damaged.</summary>
    internal static bool IsDamage(Exception exception) => exception is SqliteException { SqliteErrorCode: Corrupt or NoDatabase };

    /// <summary>Whether the whole file has to be checked before it is used again.</summary>
    internal static bool MayHaveDamaged(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: Corrupt or NoDatabase or Io };

    /// <summary>Whether the transaction failed without harm to the file: it is locked, or the disk is full.</summary>
    internal static bool LeavesFileIntact(Exception exception) => exception is SqliteException { SqliteErrorCode: Busy or Locked or Full };

    internal static string Damaged(string path) =>
        $"{path} is damaged, or no SQLite database. Move it away together with {Path.GetFileName(path)}-wal and put a backup in its place. "
        + "Without a backup the feeds begin anew.";

    /// <summary>The message for an open file that is no longer the one of its name.</summary>
    internal static string Moved(string path) =>
        $"{path} was removed or replaced while it was in use, or {Path.GetFileName(path)}-wal was. Put back what was there, "
        + $"or move {Path.GetFileName(path)}-wal away to use the file that is there now.";

    internal static string QueueFull(string path) =>
        $"{SqliteQueue.MaxBytes >> 20} MiB of messages wait to be stored in {path}. The disk is slower than the app publishes, or the file "
        + "is locked: publish less, and wait for each publish before the next. This message was not stored.";

    private static string NoRoom(string path) => $"There is no space left for {path}. Free some; nothing that was confirmed is lost.";

    private static string IsDirectory(string path) => $"{path} is a directory. Name a file in ConnectionStrings:Comet.";

    private static string NoAccess(string path) =>
        $"{path} cannot be written. Give the app's user the right to write the file and its directory, "
        + "on a file system that is not read-only.";

    private static string Describe(SqliteException exception, string path) => exception.SqliteErrorCode switch
    {
        Busy or Locked => $"{path} is locked by another program. End that program's transaction.",
        ReadOnly or CannotOpen => Directory.Exists(path) ? IsDirectory(path) : NoAccess(path),
        Full => NoRoom(path),
        Io => $"The disk failed to read or write {path} (SQLite error {exception.SqliteExtendedErrorCode}). "
            + "Check the disk and the space left on it.",
        Corrupt or NoDatabase => Damaged(path),
        _ => $"{path} cannot be used: SQLite error {exception.SqliteExtendedErrorCode}, {exception.Message}",
    };
}
