using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Writes to one connection what only the store has, until the tail has the rest. While it waits for the client it holds nothing of a page,
/// only the position and the bytes that are on their way; while it waits for the store, heartbeats are sent and deadlines are checked.
/// </summary>
/// <param name="subscriber">The connection.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="reader">Reads the feed.</param>
/// <param name="idPrefix">What precedes the offset in the ids of the messages.</param>
internal sealed class CatchUp(Subscriber subscriber, ConnectionWriter writer, FeedReader reader, byte[] idPrefix) : IDisposable
{
    // What a connection holds of a write that waits. A longer message is written by itself, from a copy that others share.
    private const int PieceLength = 16 * 1024;

    // What a format adds to a value: an element with its nonce, a callback of 128 characters, an offset.
    private const int Framing = 512;

    // A wait for the store ends within this time after the stream is due to end.
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(500);

    private readonly ConnectionServices _services = reader.Feed.Services;
    private readonly SharedFrames<FeedPosition, long> _frames = reader.Feed.History.Frames;
    private readonly EncodedFeedName? _name = subscriber.Feeds.AreNamed ? reader.Feed.EncodedName : null;
    private readonly CancellationTokenSource _ending =
        CancellationTokenSource.CreateLinkedTokenSource(subscriber.Aborted, reader.Feed.Services.Shutdown.DrainEnded);

    /// <returns>Why the stream has ended meanwhile; null: it goes on, at the reader's cursor.</returns>
    internal async ValueTask<EndReason?> RunAsync()
    {
        try
        {
            EndReason? ended = null;
            while (reader.HasStored && ended is null)
            {
                ended = DueEnd() is { } due ? await writer.EndAsync(due)
                    : WriteShared() is { } write ? await write
                    : await ReadAsync() ?? await WriteAsync(reader.TakePage());
            }
            return ended;
        }
        catch (OperationCanceledException) when (subscriber.Aborted.IsCancellationRequested)
        {
            return EndReason.ClientDisconnected;
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            return await writer.EndAsync(DueEnd() ?? _services.Shutdown.Reason);
        }
        catch (FeedUnavailableException exception)
        {
            CometLog.FeedUnavailable(_services.Logger, exception, reader.Feed.Name.ToString());
            return await writer.EndAsync(EndReason.Error);
        }
    }

    // A reading that nobody waits for any more is given up.
    public void Dispose()
    {
        _ending.Cancel();
        _ending.Dispose();
    }

    // Who polls gets one page, and waits for that.
    private EndReason? DueEnd() =>
        subscriber.IsPoll && writer.HasWritten ? EndReason.Polled
            : _services.DueEnd(subscriber) is { } due && due != EndReason.Polled ? due
            : null;

    // Writes the next message if another client is being sent it. Null: none is.
    private ValueTask<EndReason?>? WriteShared() => FindShared() is var (offset, frame) ? WriteAsync(offset, frame) : null;

    // Where ids are of all feeds of the stream, each client has its own.
    private (long Offset, EncodedFrame Frame)? FindShared() =>
        _name is not null && subscriber.Format.HasStreamPositions ? null : _frames.Find(subscriber.Format, _name, reader.Position);

    // Waits until the reader has a page.
    private async ValueTask<EndReason?> ReadAsync()
    {
        var reading = reader.ReadAsync(_ending.Token).AsTask();
        while (!reading.IsCompleted)
        {
            await reading.WaitAsync(CheckPeriod, _services.Clock.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (reading.IsCompleted)
            {
                break;
            }
            if (DueEnd() is not null)
            {
                await _ending.CancelAsync();
            }
            else if (subscriber.IsHeartbeatDue(_services.Clock.Now))
            {
                writer.WriteControl(ControlMessage.Heartbeat);
                if (await writer.FlushAsync() is { } ended)
                {
                    return ended;
                }
            }
        }
        await reading;
        return null;
    }

    // Writes piece by piece, as long as the client takes them at once. Returns the write that waits, or that was the last: not async, so
    // that nothing holds the page meanwhile.
    private ValueTask<EndReason?> WriteAsync(IReadOnlyList<FeedEntry> page)
    {
        for (var i = 0; i < page.Count; i++) // an enumerator of an interface is an object
        {
            var entry = page[i];
            var length = entry.Payload.Length + Framing + idPrefix.Length + (_name?.Json.Length ?? 0);
            if (writer.UnflushedBytes > 0 && writer.UnflushedBytes + length > PieceLength &&
                MustWait(writer.FlushAsync(), out var waiting))
            {
                return waiting;
            }
            if (length <= PieceLength)
            {
                writer.WriteMessage(entry.Payload.Span, idPrefix, entry.Offset, _name);
                reader.Advance(entry.Offset);
            }
            else if (MustWait(WriteAsync(entry.Offset, FrameOf(entry)), out waiting))
            {
                return waiting;
            }
        }
        return writer.FlushAsync();
    }

    private ValueTask<EndReason?> WriteAsync(long offset, EncodedFrame frame)
    {
        reader.Advance(offset);
        return writer.WriteAsync(frame);
    }

    // Encodes a long message, unless another client is being sent it.
    private EncodedFrame FrameOf(in FeedEntry entry)
    {
        if (FindShared() is var (_, shared))
        {
            return shared;
        }
        using var buffer = new FrameBuffer();
        subscriber.Format.WriteMessage(buffer, entry.Payload.Span, idPrefix, entry.Offset, _name);
        return _name is not null && subscriber.Format.HasStreamPositions
            ? buffer.Share()
            : _frames.Share(subscriber.Format, _name, reader.Position, entry.Offset, buffer.Share());
    }

    // Also when the stream has ended, or has as many bytes as it may.
    private bool MustWait(ValueTask<EndReason?> write, out ValueTask<EndReason?> waiting)
    {
        waiting = write;
        if (write.IsCompletedSuccessfully)
        {
            var ended = write.Result;
            waiting = new(ended);
            return ended is not null || subscriber.IsFull;
        }
        return true;
    }
}
