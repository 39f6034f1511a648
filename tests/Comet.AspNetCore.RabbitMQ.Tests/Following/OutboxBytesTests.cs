using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

/// <summary>What waits to be stored is bounded: publishers that are faster than the broker are told so, and cost no more memory.</summary>
public sealed class OutboxBytesTests
{
    private static readonly FeedPosition Somewhere = new("epoch", 7);

    private readonly OutboxBytes _bytes = new();
    private readonly Outbox _outbox;

    public OutboxBytesTests() => _outbox = new Outbox(_bytes, TimeProvider.System);

    [Theory]
    [InlineData(1 << 20, 64)]
    [InlineData(1, 64 << 11)] // as much memory as the large ones: a message that waits takes half a KiB
    public void Publishers_are_turned_away_while_too_much_waits_or_was_not_read_back(int bytes, int fits)
    {
        var payload = new byte[bytes];
        var publishing = new List<Task<FeedPosition>>();
        do
        {
            publishing.Add(SendAsync(payload));
            if (publishing.Count % 2 == 0)
            {
                _outbox.Next("epoch", 1);
            }
        }
        while (publishing.Count <= fits && !publishing[^1].IsFaulted);

        var rejection = Assert.IsType<FeedUnavailableException>(publishing[^1].Exception?.InnerException);
        Assert.StartsWith("64 MiB of messages wait to be stored in RabbitMQ.", rejection.Message);
        Assert.EndsWith("This message was not stored.", rejection.Message);
        Assert.InRange(publishing.Count - 1, fits * 9 / 10, fits);
    }

    [Fact]
    public void All_RabbitMQ_streams_share_the_room()
    {
        Fill();

        Assert.True(SendAsync(new byte[1], new Outbox(_bytes, TimeProvider.System)).IsFaulted);
    }

    [Fact]
    public void A_message_of_any_size_is_taken_when_nothing_waits()
    {
        Assert.False(SendAsync(new byte[100 << 20]).IsFaulted);
        Assert.True(SendAsync(new byte[1]).IsFaulted);
    }

    [Fact]
    public void A_completion_is_taken_although_too_much_waits()
    {
        Fill();

        Assert.False(SendAsync([]).IsFaulted);
    }

    [Fact]
    public void A_message_that_was_read_back_gives_its_room_back()
    {
        Fill();

        _outbox.RecordRead(_outbox.Next("epoch", 1)!.Id.Sequence, Verdict.Accepted, Somewhere);

        AssertRoom();
    }

    [Fact]
    public void A_message_that_was_refused_gives_its_room_back()
    {
        Fill();
        _outbox.Next("epoch", 1);

        _outbox.RecordRefusal("invalid", maxBytes: null);
        RecordOvertaken();

        AssertRoom();
    }

    [Fact]
    public void A_message_that_is_too_long_for_the_broker_gives_its_room_back()
    {
        Fill();

        _outbox.RecordRefusal("too long", maxBytes: 1);
        Assert.Null(_outbox.Next("epoch", 1));
        _outbox.MaxBytes = OutboxBytes.Max; // another connection

        AssertRoom();
    }

    [Fact]
    public void A_message_that_may_be_in_a_missed_part_gives_its_room_back()
    {
        Fill();
        _outbox.Next("epoch", 1);

        _outbox.FailSent();

        AssertRoom();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_whose_caller_has_stopped_waiting_gives_its_room_back_when_it_leaves(bool wasSent)
    {
        using var cancellation = new CancellationTokenSource();
        var publishing = Fill(cancellation.Token);
        if (wasSent)
        {
            _outbox.Next("epoch", 1);
        }

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        if (wasSent)
        {
            Assert.True(SendAsync(new byte[1]).IsFaulted); // it is still in memory
            RecordOvertaken();
        }

        AssertRoom();
    }

    [Fact]
    public void A_message_that_is_sent_again_keeps_its_room()
    {
        Fill();
        _outbox.Next("epoch", 1);

        RecordOvertaken();

        Assert.True(SendAsync(new byte[1]).IsFaulted);
        Assert.NotNull(_outbox.Next("epoch", 1));
    }

    private Task<FeedPosition> Fill(CancellationToken cancellationToken = default)
    {
        var publishing = SendAsync(new byte[OutboxBytes.Max], cancellationToken: cancellationToken);
        Assert.True(SendAsync(new byte[1]).IsFaulted);
        return publishing;
    }

    // A later message of this server is read back.
    private void RecordOvertaken() =>
        _outbox.RecordRead(_outbox.Mark("epoch", 1, default).Id.Sequence, Verdict.Accepted, Somewhere);

    // For as much as ever: what is given back twice would be room that is not there.
    private void AssertRoom()
    {
        Assert.False(SendAsync(new byte[OutboxBytes.Max - 1024]).IsFaulted);
        Assert.False(SendAsync(new byte[1]).IsFaulted);
        Assert.True(SendAsync(new byte[1]).IsFaulted);
    }

    private Task<FeedPosition> SendAsync(byte[] payload, Outbox? outbox = null, CancellationToken cancellationToken = default) =>
        (outbox ?? _outbox).SendAsync(new PendingAppend("a", payload, default), TimeSpan.FromMinutes(1), cancellationToken).AsTask();
}
