using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class OutboxTests
{
    private static readonly FeedPosition Somewhere = new("epoch", 7);

    private readonly Outbox _outbox = new(TimeProvider.System);

    [Fact]
    public async Task An_append_completes_when_it_is_read_back()
    {
        var append = SendAsync("a");
        var message = _outbox.Next("epoch", 41)!;
        Assert.Equal(("a", "epoch", 41L), (message.Feed, message.Epoch, message.Floor));
        Assert.False(append.IsCompleted);

        _outbox.Read(message.Id.Sequence, Verdict.Accepted, Somewhere);

        Assert.Equal(Somewhere, await append);
        Assert.Null(_outbox.Next("epoch", 42));
    }

    [Fact]
    public async Task What_a_later_one_has_overtaken_is_sent_again_in_its_order_and_under_new_numbers()
    {
        Task<FeedPosition>[] appends = [SendAsync("a"), SendAsync("b"), SendAsync("c")];
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("epoch", 1)!).ToList();
        var marker = _outbox.Mark("epoch", 1, default);

        _outbox.Read(sent[0].Id.Sequence, Verdict.Accepted, Somewhere);
        _outbox.Read(marker.Id.Sequence, Verdict.Accepted, Somewhere);

        Assert.Equal(Somewhere, await appends[0]);
        var again = Enumerable.Range(0, 2).Select(_ => _outbox.Next("epoch", 9)!).ToList();
        Assert.Equal(["b", "c"], again.Select(message => message.Feed));
        Assert.All(again, message => Assert.True(message.Id.Sequence > marker.Id.Sequence));
        Assert.All(again, message => Assert.Equal(9, message.Floor));
        _outbox.Read(sent[1].Id.Sequence, Verdict.Duplicate, Somewhere);
        Assert.False(appends[1].IsCompleted);
    }

    [Fact]
    public void What_came_too_late_for_its_epoch_is_sent_again()
    {
        _ = SendAsync("a");
        var message = _outbox.Next("old", 1)!;

        _outbox.Read(message.Id.Sequence, Verdict.Stale, Somewhere);

        Assert.Equal("new", _outbox.Next("new", 2)!.Epoch);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_nobody_waits_for_any_more_is_not_sent(bool wasSent)
    {
        using var cancellation = new CancellationTokenSource();
        var append = SendAsync("a", cancellation.Token);
        var message = wasSent ? _outbox.Next("epoch", 1) : null;

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append);
        if (message is not null)
        {
            _outbox.Read(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);
        }

        Assert.Null(_outbox.Next("epoch", 1));
    }

    [Fact]
    public async Task What_was_abandoned_when_it_had_to_be_sent_again_is_not_sent()
    {
        using var cancellation = new CancellationTokenSource();
        var append = SendAsync("a", cancellation.Token);
        _outbox.Next("epoch", 1);
        _outbox.Read(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append);

        Assert.Null(_outbox.Next("epoch", 1));
    }

    [Fact]
    public void Several_that_came_too_late_for_their_epoch_are_sent_again_in_their_order()
    {
        SendAll("a", "b", "c", "d");
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("old", 1)!).ToList();

        sent.ForEach(message => _outbox.Read(message.Id.Sequence, Verdict.Stale, Somewhere));

        Assert.Equal(["a", "b", "c", "d"], NextFour());
    }

    [Fact]
    public void The_first_that_came_too_late_for_its_epoch_tells_of_all_that_follow()
    {
        SendAll("a", "b", "c", "d");
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("old", 1)!).ToList();

        _outbox.Read(sent[0].Id.Sequence, Verdict.Stale, Somewhere);

        Assert.Equal(["a", "b", "c", "d"], NextFour()); // the fourth must not come before the second
        sent.ForEach(message => _outbox.Read(message.Id.Sequence, Verdict.Stale, Somewhere));
        Assert.Null(_outbox.Next("new", 2));
    }

    [Fact]
    public async Task What_may_be_in_a_part_that_was_missed_is_not_sent_again()
    {
        var append = SendAsync("a");
        _outbox.Next("epoch", 1);
        var waiting = SendAsync("b");

        _outbox.GiveUp();

        await Assert.ThrowsAsync<FeedUnavailableException>(() => append);
        Assert.Equal("b", _outbox.Next("epoch", 1)!.Feed);
        Assert.False(waiting.IsCompleted);
    }

    [Theory]
    [InlineData(Outbox.FarBehind, false)]
    [InlineData(Outbox.FarBehind + 1, true)]
    public void A_marker_follows_what_was_read_back_late(int behind, bool isMarked)
    {
        SendAll("a", "b");
        var sent = Enumerable.Range(0, 2).Select(_ => _outbox.Next("epoch", 0)!).ToList();

        _outbox.Read(sent[0].Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", behind));
        Assert.Null(_outbox.Next("epoch", 1));
        _outbox.Read(sent[1].Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", 2));

        var marker = _outbox.Next("epoch", 1);
        Assert.Equal(isMarked, marker is { Feed: null });
        if (marker is not null)
        {
            _outbox.Read(marker.Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", 3));
        }
        Assert.Null(_outbox.Next("epoch", 1));
        Assert.Equal(TimeSpan.Zero, _outbox.Lag);
    }

    private List<string?> NextFour() => Enumerable.Range(0, 4).Select(_ => _outbox.Next("new", 2)?.Feed).ToList();

    private void SendAll(params string[] feeds)
    {
        foreach (var feed in feeds)
        {
            _ = SendAsync(feed);
        }
    }

    private Task<FeedPosition> SendAsync(string feed, CancellationToken cancellationToken = default) =>
        _outbox.SendAsync(new PendingAppend(feed, default, default), TimeSpan.FromMinutes(1), cancellationToken).AsTask();
}
