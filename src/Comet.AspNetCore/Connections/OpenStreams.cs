namespace Comet.AspNetCore;

/// <summary>The streams that are open now, as the app may want to show. Inject it.</summary>
public sealed class OpenStreams
{
    private int _count;

    /// <summary>How many there are in this process.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more, unless there are as many as there may be.</summary>
    internal bool TryAdd(int most)
    {
        if (Interlocked.Increment(ref _count) <= most)
        {
            return true;
        }
        Remove();
        return false;
    }

    internal void Remove() => Interlocked.Decrement(ref _count);
}
