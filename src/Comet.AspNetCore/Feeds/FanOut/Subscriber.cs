using System.Diagnostics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// One connection that reads feeds. After it has joined its lane, only that touches it. It is most of what a quiet connection costs, so it
/// is small.
/// </summary>
internal sealed class Subscriber(ConnectionSettings settings, long now, FeedSet feeds)
    : Connection(settings, now), IThreadPoolWorkItem, IDetachableStream
{
    private const int NotListed = -1;

    private TaskCompletionSource? _completion = new(); // of the request, unless the stream goes on after it
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
    internal Task Completion => _completion!.Task;

    internal void Join(ConnectionGroup group, int index)
    {
        (Group, Index) = (group, index);
        (Feeds, Format) = (group.Set, group.Format); // equal to its own, which are kept no longer
    }

    internal void Leave() => Index = NotListed;

    /// <summary>Hands the stream over to a lane, at its place.</summary>
    /// <returns>When the request ends: when the stream has, or at once where the stream goes on without it.</returns>
    internal Task Follow(Lane lane, HttpResponseWriter writer)
    {
        _lane = lane;
        if (writer.TryDetach(this))
        {
            return Task.CompletedTask;
        }
        lane.Join(this);
        _abortion = Aborted.UnsafeRegister(static state => ((Subscriber)state!).OnDisconnected(), this);
        Finish();
        return Completion;
    }

    public void OnDetached(DetachedSocket socket)
    {
        if (socket.IsMissing)
        {
            CometLog.NoDescriptor(Feeds.Services.Logger, Feeds.Label);
        }
        var writer = new DetachedResponseWriter(socket, this);
        _completion = null;
        MoveTo(writer);
        _lane!.Join(this);
        writer.Watch(); // after the lane has it, so that it can leave
        Finish();
    }

    public void OnDisconnected() => _lane!.Leave(this);

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
        Release();
        Feeds.Release();
        _lease.Dispose();
        if (_completion is null)
        {
            if (_failure is not null)
            {
                CometLog.StreamFailed(Feeds.Services.Logger, _failure, Feeds.Label);
            }
        }
        else if (_failure is null)
        {
            _completion.SetResult();
        }
        else
        {
            _completion.SetException(_failure);
        }
    }
}
