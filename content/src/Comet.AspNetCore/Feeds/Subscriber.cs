using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Streams;

namespace Comet.AspNetCore.Feeds;

/// <summary>One connection of a feed. After it joined, only the fan-out touches it.</summary>
internal sealed class Subscriber(StreamOpening opening, long now, FanOut fanOut) : OpenStream(opening, now)
{
    private readonly TaskCompletionSource<EndReason> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TailCursor Cursor { get; set; }

    internal Rendition? Rendition { get; private set; }

    /// <summary>Its place in the fan-out's list; -1: it is not in it.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>Since when its connection takes no more, or -1.</summary>
    internal long BusySince { get; set; } = -1;

    internal bool IsBusy => BusySince >= 0;

    /// <summary>Set while a last write is under way: the stream ends when that has completed.</summary>
    internal EndReason Ending { get; set; }

    /// <summary>Completes when nothing more will be written; with the exception of a write that failed otherwise than by the client's leaving.</summary>
    internal Task<EndReason> Ended => _ended.Task;

    internal void Share(Rendition rendition)
    {
        Rendition = rendition;
        Format = rendition.Format; // equal to its own, which is kept no longer
    }

    /// <summary>A write has failed. It fails the request too, unless it says no more than that the connection is gone.</summary>
    internal void Lose(Exception exception)
    {
        if (!Outlet.IsConnectionLoss(exception))
        {
            _ended.TrySetException(exception);
        }
    }

    /// <summary>Its client is gone.</summary>
    internal void Leave() => fanOut.Leave(this);

    internal void Complete(EndReason reason) => _ended.TrySetResult(reason);
}
