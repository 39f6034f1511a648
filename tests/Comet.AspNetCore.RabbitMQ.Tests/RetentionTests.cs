using System.Globalization;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>RabbitMQ streams whose beginning was removed, or lies far back.</summary>
public sealed class RetentionTests(Broker broker)
{
    private static readonly FeedRetention Little = new(1, 1 << 20, TimeSpan.FromMinutes(10));

    private readonly string _feed = Server.NewName();

    [Fact]
    public async Task A_server_that_retention_overtook_while_it_was_disconnected_says_so_and_continues()
    {
        await using var proxy = broker.NewProxy();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.Through(proxy));
        var (here, there) = (new RecordingTail(), new RecordingTail());
        await using var hereLog = await first.OpenAsync(_feed, here, Little);
        await using var thereLog = await second.OpenAsync(_feed, there, Little);
        var before = await hereLog.AppendAsync("0");
        await there.ReceiveAsync(1);

        proxy.Close();
        await second.BecomesAsync(HealthStatus.Unhealthy);
        for (var number = 0; number < 40; number++)
        {
            await hereLog.AppendAsync($"\"{new string('x', 250_000)}\"");
        }
        await using var raw = await RawStream.OpenAsync(broker, NameOf(_feed));
        await raw.RemovesAsync(before.Offset);
        proxy.Open();

        await second.BecomesAsync(HealthStatus.Healthy);
        var last = await thereLog.AppendAsync("1");
        Assert.Equal(2, there.Resets);
        Assert.Equal(before.Epoch, there.Epoch);
        Assert.Equal(last.Offset, there.Entries[^1].Offset);
        await here.ReceiveAsync(42);
        Assert.Equal(1, here.Resets);
        Assert.Equal(
            here.Entries.Select(entry => entry.Offset).Where(offset => offset > there.Start),
            there.Entries.Select(entry => entry.Offset));
    }

    // A publisher may send any number of messages before it reads the first of them back, so that none of them tells the epoch.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_joins_where_the_newest_messages_do_not_tell_the_epoch(bool isBeginningRemoved)
    {
        const int InFlight = 10_500;
        var retention = isBeginningRemoved ? Little : Server.Plenty;
        FeedPosition known;
        await using (var first = await Server.StartAsync(broker.ConnectionString))
        {
            await using var log = await first.OpenAsync(_feed, new RecordingTail(), retention);
            known = await log.AppendAsync("\"known\"");
        }
        await using var raw = await RawStream.OpenAsync(broker, NameOf(_feed));
        await raw.WriteAsync(Enumerable.Range(1, InFlight).Select(number => new RabbitMQMessage
        {
            Id = new MessageId(7, number),
            Epoch = known.Epoch,
            Floor = known.Offset - 1,
            Feed = _feed,
            At = DateTimeOffset.UtcNow,
            Payload = Payloads.Of($"{number.ToString(CultureInfo.InvariantCulture)}{new string(' ', isBeginningRemoved ? 1000 : 0)}"),
        }));
        if (isBeginningRemoved)
        {
            await raw.RemovesAsync(known.Offset);
        }

        await using var second = await Server.StartAsync(broker.ConnectionString);
        await using var joined = await second.OpenAsync(_feed, new RecordingTail(), retention);
        var next = await joined.AppendAsync("\"next\"");

        var page = await joined.ReadAsync(known.Offset, 10, TestContext.Current.CancellationToken);
        Assert.Equal(isBeginningRemoved, next.Epoch != known.Epoch);
        Assert.Equal(isBeginningRemoved ? 1 : 10, page.Entries.Count);
    }

    // Other servers have other clocks, and any of them may be set.
    [Theory]
    [InlineData(-400)]
    [InlineData(400)]
    public async Task A_message_of_another_clock_is_read_back_after_a_restart(int days)
    {
        await using (var first = await Server.StartAsync(broker.ConnectionString))
        {
            var tail = new RecordingTail();
            await using var log = await first.OpenAsync(_feed, tail, Little);
            await using var raw = await RawStream.OpenAsync(broker, NameOf(_feed));
            await raw.WriteAsync([new RabbitMQMessage
            {
                Id = new MessageId(7, 1),
                Epoch = tail.Epoch,
                Floor = tail.Head.Offset - 1,
                Feed = _feed,
                At = DateTimeOffset.UtcNow.AddDays(days),
                Payload = Payloads.Of("1"),
            }]);
            await log.AppendAsync("2");
        }

        await using var second = await Server.StartAsync(broker.ConnectionString);
        await using var restarted = await second.OpenAsync(_feed, new RecordingTail(), Little);

        var page = await restarted.ReadAsync(0, 10, TestContext.Current.CancellationToken);
        Assert.Equal((2, 0), (page.Entries.Count, page.TrimmedThrough));
    }

    [Fact]
    public async Task A_message_that_is_too_old_is_no_longer_read_back_though_the_broker_has_it()
    {
        await using var server = await Server.StartAsync(broker.ConnectionString, options => options.RecentBytes = 0);
        await using var log = await server.OpenAsync(_feed, new RecordingTail(), Little with { Age = TimeSpan.FromSeconds(1) });
        await log.AppendAsync("1");
        var last = await log.AppendAsync("2");

        await Eventually.HoldsAsync(
            async () => await log.ReadAsync(0, 10, TestContext.Current.CancellationToken) is { Entries.Count: 0 } page
                && page.TrimmedThrough == last.Offset,
            "both are too old");
    }

    private static string NameOf(string feed) => RabbitMQStreamName.Of(FeedName.Parse(feed), new RabbitMQStoreOptions());
}
