using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

internal static partial class SqliteLogMessages
{
    [LoggerMessage(1, LogLevel.Error, "The SQLite store fails: {Fault}", EventName = "SqliteFailed")]
    internal static partial void Failed(ILogger logger, Exception exception, string fault);

    [LoggerMessage(2, LogLevel.Information, "The SQLite store works again: {Path}", EventName = "SqliteRecovered")]
    internal static partial void Recovered(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Warning,
        "The WAL of {Path} has {Bytes} bytes and grows with every message, as it cannot be moved into the file: {Reason} "
        + "The store tries again every 5 seconds.",
        EventName = "SqliteWalNotTruncated")]
    internal static partial void WalNotTruncated(ILogger logger, Exception? exception, string path, long bytes, string reason);

    [LoggerMessage(4, LogLevel.Information, "The WAL of {Path} is short again.", EventName = "SqliteWalTruncated")]
    internal static partial void WalTruncated(ILogger logger, string path);

    [LoggerMessage(5, LogLevel.Warning,
        "Every user of this machine can read {Path} and the messages in it. If that is not wanted: chmod 600 {Path}*",
        EventName = "SqliteFileReadable")]
    internal static partial void FileReadable(ILogger logger, string path);

    [LoggerMessage(6, LogLevel.Warning,
        "Another program writes to the SQLite file: rows of the feed {Feed} that have offsets which no log reaches are removed ({Rows}), and "
        + "the others stay.",
        EventName = "SqliteRowsForeign")]
    internal static partial void RowsForeign(ILogger logger, string feed, int rows);

    [LoggerMessage(7, LogLevel.Warning,
        "Another program writes to the SQLite file: the feed {Feed} cannot go on from its newest offset, {Offset}. "
        + "Its history begins anew.",
        EventName = "SqliteFeedBegunAnew")]
    internal static partial void BegunAnew(ILogger logger, string feed, long offset);
}
