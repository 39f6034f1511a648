using Comet.AspNetCore.RabbitMQ.Following;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class ArrivalsTests
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(1);

    private readonly ManualTime _time = new();
    private readonly Arrivals _arrivals;

    public ArrivalsTests() => _arrivals = new Arrivals(KeptFor, _time);

    [Fact]
    public void What_was_there_before_counts_from_the_beginning()
    {
        _arrivals.Begin(1000);
        _time.Advance(KeptFor);
        Assert.Equal(0, _arrivals.OutdatedThrough);

        _time.Advance(TimeSpan.FromTicks(1));

        Assert.Equal(1000, _arrivals.OutdatedThrough);
        _arrivals.Begin(10);
        Assert.Equal(0, _arrivals.OutdatedThrough);
    }

    [Fact]
    public void The_last_before_a_silence_ages_as_well()
    {
        _arrivals.Begin(1000);
        for (var offset = 1001; offset <= 1010; offset++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _arrivals.Record(offset);
        }

        _time.Advance(KeptFor + TimeSpan.FromTicks(1));

        Assert.Equal(1010, _arrivals.OutdatedThrough);
    }

    // Ten times as long as messages are kept, one every second.
    [Fact]
    public void Nothing_is_outdated_too_early_and_everything_is_soon_enough()
    {
        var late = KeptFor / 32;
        _arrivals.Begin(0);
        for (var second = 1; second <= 36_000; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _arrivals.Record(second);

            Assert.InRange(_arrivals.OutdatedThrough, second - (KeptFor + late).TotalSeconds, Math.Max(0, second - KeptFor.TotalSeconds));
        }
    }
}
