using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Tests.Connections;

public sealed class ConnectionHeartbeatTests : IDisposable
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    private readonly ManualTime _time = new();
    private readonly MonotonicClock _clock;
    private readonly ConnectionHeartbeat _heartbeat;

    public ConnectionHeartbeatTests()
    {
        _clock = new MonotonicClock(_time);
        _heartbeat = new ConnectionHeartbeat(_clock);
    }

    [Fact]
    public void A_handler_is_called_at_the_beat_after_its_deadline_and_not_before()
    {
        var handler = new Handler(call => call == 1 ? 1_100 : long.MaxValue);
        _heartbeat.Add(handler);

        Advance(1_000);
        Assert.Equal(1, handler.Calls);
        Advance(250);
        Assert.Equal(2, handler.Calls);
        Advance(10_000);

        Assert.Equal(2, handler.Calls);
    }

    [Fact]
    public void A_handler_may_ask_for_each_beat()
    {
        var handler = new Handler(_ => IHeartbeatHandler.NextBeat);
        _heartbeat.Add(handler);

        Advance(1_000);

        Assert.Equal(4, handler.Calls);
    }

    [Fact]
    public void A_change_that_brings_deadlines_forward_is_told_to_all_and_what_they_say_then_holds()
    {
        var later = new Handler(call => call < 2 ? long.MaxValue : 1_000);
        _heartbeat.Add(later);
        Advance(500);

        _heartbeat.BeatForAll();
        Assert.Equal(2, later.Calls);
        Advance(250);
        Assert.Equal(2, later.Calls);
        Advance(250);

        Assert.Equal(3, later.Calls);
    }

    [Fact]
    public async Task A_change_during_a_beat_is_not_lost()
    {
        using var isTold = new ManualResetEventSlim();
        using var beatIsOver = new ManualResetEventSlim();
        Task? change = null;
        var handler = new Handler(call =>
        {
            switch (call)
            {
                case 1:
                    change = Task.Run(_heartbeat.BeatForAll);
                    isTold.Wait(Moment); // in vain, as beats take turns
                    return long.MaxValue; // from before the change
                case 2:
                    isTold.Set();
                    beatIsOver.Wait(Moment);
                    return 1_000;
                default:
                    return long.MaxValue;
            }
        });
        _heartbeat.Add(handler);
        Advance(250);
        beatIsOver.Set();
        await change!.WithPatience();

        Advance(750);

        Assert.Equal(3, handler.Calls);
    }

    [Fact]
    public void A_handler_that_was_removed_is_not_called_any_more_not_even_by_itself()
    {
        Handler? handler = null;
        handler = new Handler(_ =>
        {
            _heartbeat.Remove(handler!);
            return IHeartbeatHandler.NextBeat;
        });
        _heartbeat.Add(handler);

        Advance(1_000);

        Assert.Equal(1, handler.Calls);
        Assert.Empty(_heartbeat.Handlers);
    }

    public void Dispose() => _heartbeat.Dispose();

    private void Advance(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private sealed class Handler(Func<int, long> onCall) : IHeartbeatHandler
    {
        internal int Calls { get; private set; }

        public long OnHeartbeat() => onCall(++Calls);
    }
}
