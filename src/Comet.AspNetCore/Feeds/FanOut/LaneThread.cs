namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Makes one pass after the other while it is woken. Not the thread pool does, whose threads spin after each message before they sleep, and
/// which an app may block. A thread that nothing has woken for a while ends, and the next wake starts another.
/// </summary>
/// <param name="pass">Does all that there is to do.</param>
/// <param name="time">Measures passes.</param>
/// <param name="sleep">Pauses between passes.</param>
/// <param name="linger">How long a thread waits before it ends.</param>
internal sealed class LaneThread(Action pass, TimeProvider time, Action<TimeSpan> sleep, TimeSpan linger)
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromMilliseconds(5);

    private readonly object _lock = new(); // Lock has no wait
    private int _wakes;
    private bool _isWoken;
    private bool _isRunning;

    /// <summary>Asks for a pass that begins after this call.</summary>
    internal void Wake()
    {
        if (Interlocked.Increment(ref _wakes) > 1)
        {
            return; // a pass is under way or about to begin, and another follows it
        }
        lock (_lock)
        {
            _isWoken = true;
            if (_isRunning)
            {
                Monitor.Pulse(_lock);
                return;
            }
            _isRunning = true;
        }
        new Thread(Run) { IsBackground = true, Name = "Comet lane" }.UnsafeStart();
    }

    private void Run()
    {
        while (WaitUntilWoken())
        {
            // More that comes during a pass gathers, under such load, in a pause as long as the pass, and leaves in one write; a single
            // message never waits.
            while (MakePass() is { } took)
            {
                sleep(took < MaxPause ? took : MaxPause);
            }
        }
    }

    // How long the pass has taken; null: nothing came meanwhile.
    private TimeSpan? MakePass()
    {
        var seen = Volatile.Read(ref _wakes);
        var began = time.GetTimestamp();
        pass();
        return Interlocked.Add(ref _wakes, -seen) == 0 ? null : time.GetElapsedTime(began);
    }

    private bool WaitUntilWoken()
    {
        lock (_lock)
        {
            while (!_isWoken)
            {
                if (!Monitor.Wait(_lock, linger) && !_isWoken)
                {
                    return _isRunning = false;
                }
            }
            _isWoken = false;
            return true;
        }
    }
}
