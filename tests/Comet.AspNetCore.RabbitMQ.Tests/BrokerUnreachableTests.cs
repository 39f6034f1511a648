using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class BrokerUnreachableTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Publishing_fails_and_says_why(bool silently)
    {
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy));
        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        if (silently)
        {
            proxy.Silence();
        }
        else
        {
            proxy.Close();
        }
        server.SetTimeout(Server.Brief);

        var exception = await Assert.ThrowsAsync<FeedUnavailableException>(() => log.AppendAsync("1"));

        Assert.Contains("RabbitMQ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publishing_waits_for_a_broker_that_comes_back_in_time()
    {
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy));
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        proxy.Close();
        await server.BecomesAsync(HealthStatus.Unhealthy);

        var appending = Task.WhenAll(Enumerable.Range(0, 10).Select(number => log.AppendAsync($"{number}")));
        proxy.Open();

        var positions = await appending;
        Assert.Equal(positions.Select(position => position.Offset), (await tail.ReceiveAsync(10)).Select(entry => entry.Offset));
        Assert.Equal(Payloads.Numbers(0, 10), tail.Texts);
    }

    [Fact]
    public async Task Publishers_are_turned_away_while_too_much_waits_and_what_was_taken_is_stored()
    {
        const int Fits = 64;
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy));
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        await using var other = await server.OpenAsync(Server.NewName(), new RecordingTail());
        proxy.Silence();
        var payload = Payloads.Of("1".PadRight(1 << 20));

        var waiting = new List<Task<FeedPosition>>();
        do
        {
            waiting.Add(log.AppendAsync(payload, TestContext.Current.CancellationToken).AsTask());
        }
        while (waiting.Count <= Fits && !waiting[^1].IsFaulted);
        var elsewhere = await Record.ExceptionAsync(() => other.AppendAsync("1"));
        proxy.Open();

        var rejection = Assert.IsType<FeedUnavailableException>(waiting[^1].Exception?.InnerException);
        Assert.StartsWith("64 MiB of messages wait to be stored in RabbitMQ.", rejection.Message);
        Assert.Equal(rejection.Message, Assert.IsType<FeedUnavailableException>(elsewhere).Message);
        waiting.RemoveAt(waiting.Count - 1);
        Assert.InRange(waiting.Count, Fits - 1, Fits);
        await Task.WhenAll(waiting).WithPatience();
        await tail.ReceiveAsync(waiting.Count);
        await log.AppendAsync("2");
    }

    [Fact]
    public async Task Readiness_fails_and_open_feeds_catch_up_afterwards()
    {
        await using var proxy = broker.NewProxy();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.Through(proxy));
        var tail = new RecordingTail();
        await using var here = await first.OpenAsync(_feed, new RecordingTail());
        await using var there = await second.OpenAsync(_feed, tail);
        await here.AppendAsync("0");
        await tail.ReceiveAsync(1);
        await second.BecomesAsync(HealthStatus.Healthy);

        proxy.Close();
        await second.BecomesAsync(HealthStatus.Unhealthy);
        await Task.WhenAll(Payloads.Numbers(1, 99).Select(here.AppendAsync));
        Assert.Equal(["0"], tail.Texts);
        proxy.Open();

        await tail.ReceiveAsync(100);
        Assert.Equal(Payloads.Numbers(0, 100), tail.Texts);
        Assert.Equal(1, tail.Resets);
        await second.BecomesAsync(HealthStatus.Healthy);
        Assert.Equal(HealthStatus.Healthy, await first.ReadinessAsync());
    }

    [Fact]
    public async Task A_server_starts_without_a_broker_and_serves_when_there_is_one()
    {
        await using var proxy = broker.NewProxy();
        proxy.Close();
        await using var server = await Server.StartAsync(broker.Through(proxy));
        Assert.Equal(HealthStatus.Unhealthy, await server.ReadinessAsync());
        server.SetTimeout(Server.Brief);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => server.OpenAsync(_feed, new RecordingTail()));

        server.SetTimeout(Eventually.Patience);
        proxy.Open();
        await server.BecomesAsync(HealthStatus.Healthy);

        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        await log.AppendAsync("1");
    }

    [Fact]
    public async Task All_who_publish_to_a_broker_that_nobody_serves_fail_with_one_opening()
    {
        await using var proxy = broker.NewProxy();
        proxy.Close();
        await using var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = Server.Brief);
        var feed = server.Feed(_feed, new FeedOptions());

        var exceptions = await Task.WhenAll(Enumerable.Range(0, 20).Select(number =>
            Record.ExceptionAsync(() => feed.PublishAsync($"{number}").AsTask()).AsTask()));

        // Each opening has an exception of its own.
        Assert.Single(exceptions.Select(Assert.IsType<FeedUnavailableException>).Distinct());
    }

    [Fact]
    public async Task Keys_of_one_family_wait_for_the_broker_together()
    {
        await using var proxy = broker.NewProxy();
        proxy.Close();
        await using var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = Server.Brief);
        var rooms = server.Feeds(_feed, new FeedOptions());

        var publishing = Task.WhenAll(Enumerable.Range(0, 20).Select(async key =>
            await Assert.ThrowsAsync<FeedUnavailableException>(() => rooms.Get($"{key}").PublishAsync("1").AsTask())));

        await publishing.WaitAsync(10 * Server.Brief); // 20 times as long, if one waited after the other
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_waits_for_a_silent_broker_is_told_of_the_end_of_the_app(bool isOpen)
    {
        await using var proxy = broker.NewProxy();
        // No heartbeat ends what waits for an answer of the broker.
        var server = await Server.StartAsync(broker.Through(proxy), options => options.Heartbeat = TimeSpan.FromMinutes(1));
        var (feed, rooms) = (server.Feed(_feed, new FeedOptions()), server.Feeds(Server.NewName(), new FeedOptions()));
        if (isOpen)
        {
            await feed.PublishAsync("1").AsTask().WithPatience();
            await rooms.Get("1").PublishAsync("1").AsTask().WithPatience();
        }
        proxy.Silence();
        Task[] waiting =
        [
            feed.PublishAsync("2").AsTask(),
            rooms.Get("2").PublishAsync("2").AsTask(),
            feed.CompleteAsync().AsTask(),
        ];

        await server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        foreach (var each in waiting)
        {
            var exception = await Assert.ThrowsAsync<ObjectDisposedException>(() => each.WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.StartsWith("The app has ended, and its feeds with it.", exception.Message);
        }
    }

    [Fact]
    public async Task A_server_stops_in_time_when_the_broker_has_fallen_silent()
    {
        await using var proxy = broker.NewProxy();
        var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = TimeSpan.FromMinutes(1));
        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        proxy.Silence();

        await server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }
}
