using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class OutboxTests
{
    private static readonly FeedPosition Somewhere = new("epoch", 7);

    private readonly Outbox _outbox = new(new OutboxBytes(), TimeProvider.System);

    [Fact]
    public async Task An_append_completes_when_it_is_read_back()
    {
        var append = SendAsync("a");
        var message = _outbox.Next("epoch", 41)!;
        Assert.Equal(("a", "epoch", 41L), (message.Feed, message.Epoch, message.Floor));
        Assert.False(append.IsCompleted);

        _outbox.RecordRead(message.Id.Sequence, Verdict.Accepted, Somewhere);

        Assert.Equal(Somewhere, await append);
        Assert.Null(_outbox.Next("epoch", 42));
    }

    [Fact]
    public async Task Messages_that_a_later_one_has_overtaken_are_sent_again_in_order_under_new_numbers()
    {
        Task<FeedPosition>[] appends = [SendAsync("a"), SendAsync("b"), SendAsync("c")];
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("epoch", 1)!).ToList();
        var marker = _outbox.Mark("epoch", 1, default);

        _outbox.RecordRead(sent[0].Id.Sequence, Verdict.Accepted, Somewhere);
        _outbox.RecordRead(marker.Id.Sequence, Verdict.Accepted, Somewhere);

        Assert.Equal(Somewhere, await appends[0]);
        var again = Enumerable.Range(0, 2).Select(_ => _outbox.Next("epoch", 9)!).ToList();
        Assert.Equal(["b", "c"], again.Select(message => message.Feed));
        Assert.All(again, message => Assert.True(message.Id.Sequence > marker.Id.Sequence));
        Assert.All(again, message => Assert.Equal(9, message.Floor));
        _outbox.RecordRead(sent[1].Id.Sequence, Verdict.Duplicate, Somewhere);
        Assert.False(appends[1].IsCompleted);
    }

    [Fact]
    public void A_stale_message_is_sent_again()
    {
        _ = SendAsync("a");
        var message = _outbox.Next("old", 1)!;

        _outbox.RecordRead(message.Id.Sequence, Verdict.Stale, Somewhere);

        Assert.Equal("new", _outbox.Next("new", 2)!.Epoch);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_whose_caller_has_stopped_waiting_is_not_sent(bool wasSent)
    {
        using var cancellation = new CancellationTokenSource();
        var append = SendAsync("a", cancellation.Token);
        var message = wasSent ? _outbox.Next("epoch", 1) : null;

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append);
        if (message is not null)
        {
            _outbox.RecordRead(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);
        }

        Assert.Null(_outbox.Next("epoch", 1));
    }

    [Fact]
    public async Task A_message_whose_caller_has_stopped_waiting_is_not_sent_again()
    {
        using var cancellation = new CancellationTokenSource();
        var append = SendAsync("a", cancellation.Token);
        _outbox.Next("epoch", 1);
        _outbox.RecordRead(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append);

        Assert.Null(_outbox.Next("epoch", 1));
    }

    [Fact]
    public void Several_stale_messages_are_sent_again_in_their_order()
    {
        SendAll("a", "b", "c", "d");
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("old", 1)!).ToList();

        sent.ForEach(message => _outbox.RecordRead(message.Id.Sequence, Verdict.Stale, Somewhere));

        Assert.Equal(["a", "b", "c", "d"], NextFour());
    }

    [Fact]
    public void After_a_stale_message_all_later_ones_of_its_epoch_are_sent_again()
    {
        SendAll("a", "b", "c", "d");
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("old", 1)!).ToList();

        _outbox.RecordRead(sent[0].Id.Sequence, Verdict.Stale, Somewhere);

        Assert.Equal(["a", "b", "c", "d"], NextFour()); // the fourth must not come before the second
        sent.ForEach(message => _outbox.RecordRead(message.Id.Sequence, Verdict.Stale, Somewhere));
        Assert.Null(_outbox.Next("new", 2));
    }

    [Fact]
    public async Task A_message_that_may_be_in_a_missed_part_is_not_sent_again()
    {
        var append = SendAsync("a");
        _outbox.Next("epoch", 1);
        var waiting = SendAsync("b");

        _outbox.FailSent();

        await Assert.ThrowsAsync<FeedUnavailableException>(() => append);
        Assert.Equal("b", _outbox.Next("epoch", 1)!.Feed);
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task The_oldest_message_that_is_missing_is_the_one_that_was_refused()
    {
        Task<FeedPosition>[] appends = [SendAsync("a"), SendAsync("b"), SendAsync("c")];
        var sent = Enumerable.Range(0, 3).Select(_ => _outbox.Next("epoch", 1)!).ToList();
        _outbox.RecordRead(sent[0].Id.Sequence, Verdict.Accepted, Somewhere);

        _outbox.RecordRefusal("invalid", maxBytes: null);
        _outbox.RecordRead(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);

        Assert.Contains(
            "invalid", (await Assert.ThrowsAsync<FeedUnavailableException>(() => appends[1])).Message, StringComparison.Ordinal);
        Assert.Equal("c", _outbox.Next("epoch", 9)!.Feed);
        Assert.False(appends[2].IsCompleted);

        // A later loss has another cause.
        _outbox.RecordRead(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);
        Assert.Equal("c", _outbox.Next("epoch", 9)!.Feed);
    }

    [Theory]
    [InlineData(Outbox.FarBehind, false)]
    [InlineData(Outbox.FarBehind + 1, true)]
    public void A_marker_follows_a_message_that_was_read_back_late(int behind, bool isMarked)
    {
        SendAll("a", "b");
        var sent = Enumerable.Range(0, 2).Select(_ => _outbox.Next("epoch", 0)!).ToList();

        _outbox.RecordRead(sent[0].Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", behind));
        Assert.Null(_outbox.Next("epoch", 1));
        _outbox.RecordRead(sent[1].Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", 2));

        var marker = _outbox.Next("epoch", 1);
        Assert.Equal(isMarked, marker is { Feed: null });
        if (marker is not null)
        {
            _outbox.RecordRead(marker.Id.Sequence, Verdict.Accepted, new FeedPosition("epoch", 3));
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
