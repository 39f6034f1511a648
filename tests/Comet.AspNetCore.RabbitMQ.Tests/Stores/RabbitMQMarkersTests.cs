using Comet.AspNetCore.RabbitMQ.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class RabbitMQMarkersTests
{
    private readonly ManualTime _time = new();
    private readonly List<DateTimeOffset> _sent = [];
    private readonly RabbitMQMarkers _markers;

    public RabbitMQMarkersTests() => _markers = new RabbitMQMarkers(
        () =>
        {
            _sent.Add(_time.GetUtcNow());
            return Task.FromResult(new FeedPosition("epoch", _sent.Count));
        },
        _time);

    [Fact]
    public async Task Made_up_positions_cause_ever_fewer_markers()
    {
        await AskForAsync(TimeSpan.FromMinutes(10));

        Assert.InRange(_sent.Count, 90, 110);
        Assert.Equal(RabbitMQMarkers.MaxDelay, _sent[^1] - _sent[^2]);
    }

    [Fact]
    public async Task A_marker_that_was_of_use_makes_the_next_come_soon()
    {
        await AskForAsync(TimeSpan.FromMinutes(1));
        _markers.ResetDelay();
        var asked = _time.GetUtcNow();

        await AskForAsync(RabbitMQMarkers.MinDelay);

        Assert.Equal(RabbitMQMarkers.MinDelay, _sent[^1] - asked);
    }

    [Fact]
    public async Task All_callers_who_wait_share_one_marker()
    {
        var all = Enumerable.Range(0, 100).Select(_ => _markers.NextAsync()).ToList();
        _time.Advance(RabbitMQMarkers.MinDelay);

        Assert.All(await Task.WhenAll(all), position => Assert.Equal(1, position.Offset));
    }

    private async Task AskForAsync(TimeSpan duration)
    {
        for (var until = _time.GetUtcNow() + duration; _time.GetUtcNow() < until;)
        {
            var next = _markers.NextAsync();
            while (!next.IsCompleted)
            {
                _time.Advance(RabbitMQMarkers.MinDelay);
            }
            await next;
        }
    }
}
