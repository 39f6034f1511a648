namespace Comet.AspNetCore.Stores;

/// <summary>The newest part of a feed's log, in memory, from which connections are served. A store feeds it.</summary>
public interface IFeedTail
{
    /// <summary>
    /// Empties the tail, at the end of a log: entries at or below <paramref name="head"/> are not in it. When the epoch has changed, or
    /// <paramref name="head"/> leaves out entries, connected clients are told that they may have missed something.
    /// </summary>
    /// <param name="epoch">Which log: 1 to 64 ASCII letters and digits.</param>
    /// <param name="head">The offset of its newest entry; 0: it is empty.</param>
    void Reset(string epoch, long head);

    /// <summary>
    /// Adds entries that follow the newest. Those at or below it are dropped, so that a store may send some twice, and so is everything
    /// after a completion. A completion alone may come late, when a store learns of it after the log was opened.
    /// </summary>
    void Append(ReadOnlySpan<FeedEntry> entries);

    /// <summary>
    /// Moves the end of the log without an entry: between its newest entry and <paramref name="head"/> the log has none. Clients learn it
    /// with their next heartbeat and resume from there, so that the reader of a quiet feed does not fall behind a log that it shares.
    /// </summary>
    /// <param name="head">An offset; one below the head changes nothing.</param>
    void Advance(long head);
}
