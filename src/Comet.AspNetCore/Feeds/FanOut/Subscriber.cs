using System.Diagnostics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// One connection that reads feeds. After it has joined its lane, only that touches it. It is most of what a quiet connection costs, so it
/// is small.
/// </summary>
internal sealed class Subscriber(ConnectionSettings settings, long now, FeedSet feeds)
    : Connection(settings, now), IThreadPoolWorkItem
{
    private const int NotListed = -1;

    private readonly TaskCompletionSource _completion = new();
    private readonly ConnectionLease _lease = settings.Lease;
    private CancellationTokenRegistration _abortion;
    private Lane? _lane;
    private Exception? _failure;
    private int _finishing;

    internal FeedSet Feeds { get; private set; } = feeds;

    internal ConnectionGroup? Group { get; private set; }

    /// <summary>Where it is in each of its feeds, while it is not where those of its group are that keep up.</summary>
    internal TailCursor[]? Place { get; set; }

    /// <summary>Whether it is in the lane's list of those that can be written to, and are at a place of their own.</summary>
    internal bool IsBehind { get; set; }

    /// <summary>Whether a write that had to wait for the client has completed since it was last written to.</summary>
    internal bool HasResumed { get; set; }

    /// <summary>The span of the stream, when spans are listened to.</summary>
    internal Activity? Activity { get; init; }

    /// <summary>Its place in the group's list, while it is in it.</summary>
    internal int Index { get; set; } = NotListed;

    internal bool IsListed => Index != NotListed;

    /// <inheritdoc cref="ConnectionLease.Holder"/>
    internal object? Holder => _lease.Holder;

    /// <summary>Why it ends; null: it goes on. It is set before the last write has completed, which is when the stream ends.</summary>
    internal EndReason? EndReason { get; set; }

    /// <summary>Completes when the response has ended. Fails when a write has failed, unless the client has left.</summary>
    internal Task Completion => _completion.Task;

    internal void Join(ConnectionGroup group, int index)
    {
        (Group, Index) = (group, index);
        (Feeds, Format) = (group.Set, group.Format); // equal to its own, which are kept no longer
    }

    internal void Leave() => Index = NotListed;

    /// <summary>Hands the stream over to a lane, at its place.</summary>
    internal void Follow(Lane lane)
    {
        _lane = lane;
        lane.Join(this);
        _abortion = Aborted.UnsafeRegister(static state => ((Subscriber)state!).OnAborted(), this);
        Finish();
    }

    /// <summary>Ends a stream that no lane has got yet.</summary>
    internal void EndAtOnce(EndReason reason, Exception? failure = null)
    {
        (EndReason, _failure) = (reason, failure);
        Execute();
    }

    /// <summary>Records that a write has failed, which fails the request, unless the connection was just closed.</summary>
    internal void RecordFailure(Exception exception)
    {
        if (!ResponseWriter.IsConnectionLoss(exception))
        {
            _failure = exception;
        }
    }

    /// <summary>Ends the stream, to which the lane writes nothing more.</summary>
    internal void Complete(EndReason reason)
    {
        EndReason = _failure is null ? reason : EndReason.Error;
        Finish();
    }

    public void Execute() => _ = FinishAsync();

    private void OnAborted() => _lane!.Leave(this);

    // Called by the request and by the lane; the second call ends the response.
    private void Finish()
    {
        if (Interlocked.Increment(ref _finishing) == 2)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async Task FinishAsync()
    {
        _abortion.Unregister();
        try
        {
            if (_failure is null)
            {
                await Feeds.Services.WriteDeadline.CompleteAsync(this);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
        try
        {
            // Listeners of meters and activities are the app's, and may throw.
            Feeds.Services.CountEnded(this, Feeds.Label, EndReason!);
            Activity?.Dispose();
        }
        catch (Exception exception)
        {
            _failure ??= exception;
        }
        Feeds.Release();
        _lease.Dispose();
        if (_failure is null)
        {
            _completion.SetResult();
        }
        else
        {
            _completion.SetException(_failure);
        }
    }
}
