using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>A page that is being read for all who wait for it, and given up when nobody does any more.</summary>
/// <param name="after">The page has what follows this position.</param>
internal sealed class HistoryReading(FeedPosition after)
{
    private readonly CancellationTokenSource _cancellation = new();

    // The waiters go on side by side, not one after the other on the store's thread.
    private readonly TaskCompletionSource<FeedLogPage> _page = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal FeedPosition After => after;

    internal Task<FeedLogPage> Page => _page.Task;

    /// <summary>How many wait; counted under the history's lock.</summary>
    internal int Waiters { get; set; }

    internal CancellationToken Cancellation => _cancellation.Token;

    internal void Complete(FeedLogPage page) => _page.SetResult(page);

    internal void Fail(Exception exception)
    {
        if (Cancellation.IsCancellationRequested)
        {
            _page.SetCanceled(Cancellation); // nobody waits
        }
        else
        {
            _page.SetException(exception);
        }
    }

    /// <summary>Gives up. What a store does about it holds up nobody.</summary>
    internal void Cancel() => _ = _cancellation.CancelAsync();
}
