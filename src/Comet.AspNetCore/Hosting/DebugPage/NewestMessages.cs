using System.Text;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Hosting;

/// <summary>The newest messages of one feed, read anew when it has changed.</summary>
internal sealed class NewestMessages(FeedRegistry registry, string name)
{
    private const int Count = 20;
    private const int MaxBytes = 1000;

    // A store that hangs holds up no snapshot for longer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private TailState _state;
    private DebugMessages? _messages;

    internal async ValueTask<DebugMessages> ReadAsync(CancellationToken cancellationToken)
    {
        if (!FeedName.TryParse(name, out var parsed) || registry.Find(parsed) is not { } feed || !feed.TryAcquire())
        {
            return Nothing("This server has no feed of this name in use.");
        }
        try
        {
            var state = feed.Tail.State;
            if (_messages is null || state != _state)
            {
                var (messages, head) = await ReadAsync(feed, cancellationToken);
                (_state, _messages) = (state, new(name, null, [.. messages.Reverse<FeedEntry>().Select(entry => Of(entry, head))]));
            }
            return _messages;
        }
        catch (FeedUnavailableException)
        {
            return Nothing("The store is unavailable.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Nothing("The store does not answer.");
        }
        finally
        {
            feed.Release();
        }
    }

    private static async Task<(List<FeedEntry> Messages, FeedPosition Head)> ReadAsync(FeedCore feed, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        return await SnapshotReader.ReadNewestAsync(feed, Count, patience.Token).AsTask().WaitAsync(patience.Token);
    }

    private DebugMessages Nothing(string problem)
    {
        _messages = null;
        return new(name, problem, []);
    }

    private static DebugMessage Of(FeedEntry entry, FeedPosition head)
    {
        var payload = entry.Payload.Span;
        var shown = Math.Min(payload.Length, MaxBytes);
        while (shown < payload.Length && (payload[shown] & 0xC0) == 0x80) // the middle of a character
        {
            shown--;
        }
        var id = (head with { Offset = entry.Offset }).ToString();
        return new(id, entry.At, payload.Length, Encoding.UTF8.GetString(payload[..shown]), payload.Length - shown);
    }
}
