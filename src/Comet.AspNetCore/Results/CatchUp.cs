using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Writes to one connection what only the store has, until the tail has the rest. While it waits for the client it holds nothing of a page,
/// only the position and the bytes that are on their way.
/// </summary>
/// <param name="subscriber">The connection.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="reader">Reads the feed.</param>
/// <param name="idPrefix">What precedes the offset in the ids of the messages.</param>
internal sealed class CatchUp(Subscriber subscriber, ConnectionWriter writer, FeedReader reader, byte[] idPrefix) : IDisposable
{
    // With the last message a piece is a little longer; what waits of it is in an array of the next power of two.
    private const int PieceLength = 28 * 1024;

    // A wait for the store, or for a place, ends within this time after the stream is due to end.
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(500);

    private readonly FeedCore _feed = reader.Feed;
    private readonly ConnectionServices _services = reader.Feed.Services;
    private readonly CancellationTokenSource _ending =
        CancellationTokenSource.CreateLinkedTokenSource(subscriber.Aborted, reader.Feed.Services.Shutdown.DrainEnded);

    /// <returns>Why the stream has ended meanwhile; null: it goes on, at the reader's cursor.</returns>
    internal async ValueTask<EndReason?> RunAsync()
    {
        EndReason? due = null;
        _feed.History.Enter();
        try
        {
            while (reader.HasStored && (due = _services.DueEnd(subscriber)) is null)
            {
                await UntilDueAsync(_feed.History.TakePlaceAsync(_ending.Token));
                ValueTask<EndReason?> write;
                try
                {
                    var reading = reader.ReadAsync(_ending.Token).AsTask();
                    await UntilDueAsync(reading);
                    write = WritePieces(await reading);
                }
                finally
                {
                    _feed.History.Free();
                }
                if (await write is { } ended)
                {
                    return ended;
                }
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            if (subscriber.Aborted.IsCancellationRequested)
            {
                return EndReason.ClientDisconnected;
            }
            due = _services.DueEnd(subscriber) ?? _services.Shutdown.Reason;
        }
        catch (FeedUnavailableException exception)
        {
            CometLog.FeedUnavailable(_services.Logger, exception, _feed.Name.ToString());
            due = EndReason.Error;
        }
        finally
        {
            _feed.History.Leave();
        }
        return due is null ? null : await writer.EndAsync(due);
    }

    public void Dispose() => _ending.Dispose();

    // Writes piece by piece, as long as the client takes them at once. Returns the write that waits, or that was the last.
    private ValueTask<EndReason?> WritePieces(IReadOnlyList<FeedEntry> entries)
    {
        var name = subscriber.Feeds.AreNamed ? _feed.EncodedName : null;
        for (var i = 0; i < entries.Count; i++)
        {
            writer.WriteMessage(entries[i].Payload.Span, idPrefix, entries[i].Offset, name);
            reader.Advance(entries[i].Offset);
            if (writer.UnflushedBytes >= PieceLength || i == entries.Count - 1)
            {
                var write = writer.FlushAsync();
                if (!write.IsCompletedSuccessfully)
                {
                    return write;
                }
                if (write.Result is { } ended)
                {
                    return new(ended);
                }
                if (subscriber.IsFull)
                {
                    break;
                }
            }
        }
        return default;
    }

    private async Task UntilDueAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            await task.WaitAsync(CheckPeriod, _services.Clock.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!task.IsCompleted && _services.DueEnd(subscriber) is not null)
            {
                await _ending.CancelAsync();
                break;
            }
        }
        await task;
    }
}
