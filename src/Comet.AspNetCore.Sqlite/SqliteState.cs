namespace Comet.AspNetCore.Sqlite;

/// <summary>What the writer knows of the file. It is replaced as a whole, as other threads read it.</summary>
/// <param name="Status">Whether there is an open file.</param>
/// <param name="Database">The file, unless it is closed.</param>
/// <param name="MustVerify">Whether the whole file is checked when it is opened next.</param>
/// <param name="Outage">Why the last transaction failed; null: it did not.</param>
internal sealed record SqliteState(
    SqliteFileStatus Status, SqliteDatabase? Database = null, bool MustVerify = false, SqliteOutage? Outage = null);

/// <summary>Whether there is an open file.</summary>
internal enum SqliteFileStatus
{
    /// <summary>It has not been opened yet, or was closed after a failure.</summary>
    Closed,

    /// <summary>It can be read, and written unless something holds the writer up.</summary>
    Open,

    /// <summary>It was removed or replaced while it was open. It is kept open, as it knows when it is back.</summary>
    Moved,

    /// <summary>The writer has ended.</summary>
    Ended,
}

/// <summary>A failure of the file.</summary>
/// <param name="Fault">What the callers are told.</param>
/// <param name="At">When it failed last.</param>
internal sealed record SqliteOutage(FeedUnavailableException Fault, long At);
