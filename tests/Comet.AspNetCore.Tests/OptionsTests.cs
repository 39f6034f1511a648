using System.Text;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Tests;

/// <summary>Settings: where they come from, and which of them stop the app at its start.</summary>
public class OptionsTests
{
    public static TheoryData<string, string, string> BadValues => new()
    {
        { "Padding", "1023", "Comet:Padding is 1023; it must be 1024 to 65536 bytes." },
        { "Padding", "65537", "Comet:Padding is 65537; it must be 1024 to 65536 bytes." },
        { "Heartbeat", "00:00:00", "Comet:Heartbeat is 00:00:00; it must be 00:00:00.2500000 to 01:00:00." },
        { "Heartbeat", "01:00:01", "Comet:Heartbeat is 01:00:01; it must be 00:00:00.2500000 to 01:00:00." },
        { "WriteTimeout", "-00:00:01", "Comet:WriteTimeout is -00:00:01; it must be 00:00:00.2500000 to 01:00:00." },
        { "MaxAge", "00:00:00.5", "Comet:MaxAge is 00:00:00.5000000; it must be 00:00:01 to 365.00:00:00, or null for no limit." },
        { "ReconnectSpread", "00:00:00", "Comet:ReconnectSpread is 00:00:00; it must be 00:00:00.1000000 to 01:00:00." },
        { "Drain", "-00:00:01", "Comet:Drain is -00:00:01; it must be 00:00:00 to 01:00:00." },
        { "Drain", "01:00:01", "Comet:Drain is 01:00:01; it must be 00:00:00 to 01:00:00." },
        { "MaxBytes", "0", "Comet:MaxBytes is 0; it must be at least 1, or null for no limit." },
        { "MaxStreams", "0", "Comet:MaxStreams is 0; it must be at least 1, or null for no limit." },
        { "MaxStreamsPerUser", "-1", "Comet:MaxStreamsPerUser is -1; it must be at least 1, or null for no limit." },
        { "MaxStreamsPerAddress", "0", "Comet:MaxStreamsPerAddress is 0; it must be at least 1, or null for no limit." },
        { "Feeds:news:Retain", "0", "Comet:Feeds:news:Retain is 0; it must be 1 to 10000000 messages." },
        { "Feeds:news:RetainBytes", "1023", "Comet:Feeds:news:RetainBytes is 1023; it must be 1024 to 1099511627776 bytes." },
        { "Feeds:news:RetainFor", "00:00:00", "Comet:Feeds:news:RetainFor is 00:00:00; it must be 00:00:01 to 3650.00:00:00." },
        {
            "Feeds:news:AuthorizationPolicy",
            "writers",
            "Comet:Feeds:news:AuthorizationPolicy is writers; there is no such policy. " +
                "Add it with AddAuthorizationBuilder().AddPolicy(...)."
        },
    };

    [Theory, MemberData(nameof(BadValues))]
    public async Task A_value_that_makes_no_sense_stops_the_app_at_its_start(string key, string value, string message)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((key, value)));

        Assert.Equal(message, Assert.Single(error.Failures));
    }

    public static TheoryData<string, string?, string> Unreadable => new()
    {
        { "Padding", "much", "Comet:Padding is \"much\"; it must be a whole number, at most 2147483647." },
        { "Padding", "3000000000", "Comet:Padding is \"3000000000\"; it must be a whole number, at most 2147483647." },
        { "MaxBytes", "3.5", "Comet:MaxBytes is \"3.5\"; it must be a whole number, at most 9223372036854775807." },
        { "Heartbeat", "often", "Comet:Heartbeat is \"often\"; it must be a time such as \"00:00:15\", or \"7.00:00:00\" for seven days." },
        { "Heartbeat", "", "Comet:Heartbeat is empty; give a value, or leave the key out for the app's own." },
        { "Heartbeat", null, "Comet:Heartbeat is empty; give a value, or leave the key out for the app's own." },
        { "Feeds:news:Retain", "", "Comet:Feeds:news:Retain is empty; give a value, or leave the key out for the app's own." },
        {
            "Feeds:news:AuthorizationPolicy",
            "",
            "Comet:Feeds:news:AuthorizationPolicy is empty; give a value, or leave the key out for the app's own."
        },
        { "Feeds:news:InMemory", "yes", "Comet:Feeds:news:InMemory is \"yes\"; it must be true or false." },
        { "Feeds:news:WhenSlow", "Wait", "Comet:Feeds:news:WhenSlow is \"Wait\"; it must be End, Latest or Skip." },
        { "Feeds:news:WhenSlow", "1", "Comet:Feeds:news:WhenSlow is \"1\"; it must be End, Latest or Skip." },
        { "Feeds:news:WhenSlow", "End,Skip", "Comet:Feeds:news:WhenSlow is \"End,Skip\"; it must be End, Latest or Skip." },
    };

    [Theory, MemberData(nameof(Unreadable))]
    public async Task A_value_that_cannot_be_read_stops_the_app_at_its_start(string key, string? value, string message)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((key, value)));

        Assert.Equal(message, Assert.Single(error.Failures));
    }

    [Theory]
    [InlineData("""{ "Comet": "s3cret" }""", "Comet")]
    [InlineData("""{ "Comet": { "Feeds": "s3cret" } }""", "Comet:Feeds")]
    [InlineData("""{ "Comet": { "Feeds": { "news": "s3cret" } } }""", "Comet:Feeds:news")]
    [InlineData("""{ "comet": { "feeds": { "NEWS": 7 } } }""", "Comet:Feeds:news")]
    [InlineData("""{ "Comet": { "Own": "s3cret" } }""", "Comet:Own")]
    public async Task A_text_in_place_of_a_section_stops_the_app_at_its_start(string json, string key)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartFromAsync(json));

        Assert.Equal($"{key} is a text; settings belong below it, such as {key}:<name>.", Assert.Single(error.Failures));
        Assert.DoesNotContain("s3cret", error.ToString());
    }

    [Theory]
    [InlineData("""{ "Comet": null }""")]
    [InlineData("""{ "Comet": { "Feeds": "", "Own": null } }""")]
    [InlineData("""{ "Comet": { "Feeds": { "news": "", "more": {} } } }""")]
    public async Task Nothing_in_place_of_a_section_is_nothing(string json)
    {
        await using var app = await StartFromAsync(json);

        Assert.Equal(1000, app.Services.GetRequiredService<IOptionsMonitor<FeedOptions>>().Get("news").Retain);
    }

    [Theory]
    [InlineData("24:00:00", "which .NET reads as 24 days; write \"1.00:00:00\" for 24 hours or \"24.00:00:00\" for 24 days.")]
    [InlineData(" 36:00:00", "which .NET reads as 36 days; write \"1.12:00:00\" for 36 hours or \"36.00:00:00\" for 36 days.")]
    [InlineData("36:20:10", "which .NET reads as 36 days; write \"1.12:20:10\" for 36 hours or \"36.20:10:00\" for 36 days.")]
    [InlineData("36:30:10", "which .NET does not read as a time; write \"1.12:30:10\" for 36 hours.")]
    [InlineData("24:00:00.5", "which .NET does not read as a time; write \"1.00:00:00.5000000\" for 24 hours.")]
    [InlineData("3600", "which .NET reads as 3600 days; write \"01:00:00\" for 3600 seconds or \"3600.00:00:00\" for 3600 days.")]
    [InlineData("1", "which .NET reads as 1 day; write \"00:00:01\" for 1 second or \"1.00:00:00\" for 1 day.")]
    public async Task A_time_that_may_not_be_what_was_meant_stops_the_app_at_its_start(string value, string rest)
    {
        foreach (var key in (string[])["Feeds:news:RetainFor", "MaxAge", "Drain"])
        {
            var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((key, value)));

            Assert.Equal($"Comet:{key} is \"{value}\", {rest}", Assert.Single(error.Failures));
        }
    }

    [Theory]
    [InlineData("23:59:59", 86_399)]
    [InlineData("1.00:00:00", 86_400)]
    [InlineData("1:00:00:00", 86_400)]
    [InlineData("36.00:00:00", 36 * 86_400)]
    [InlineData("00:01", 60)]
    public async Task A_time_that_says_what_it_means_is_read(string value, int seconds)
    {
        await using var app = await StartAsync(("MaxAge", value));

        Assert.Equal(TimeSpan.FromSeconds(seconds), app.Services.GetRequiredService<IOptions<CometOptions>>().Value.MaxAge);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public async Task No_value_is_no_limit(string? none)
    {
        await using var app = await StartAsync(
            ("MaxAge", none), ("MaxBytes", none), ("MaxStreams", none), ("MaxStreamsPerUser", none), ("MaxStreamsPerAddress", none));

        var server = app.Services.GetRequiredService<IOptions<CometOptions>>().Value;
        Assert.Null(server.MaxAge);
        Assert.Equal((null, null, null, null), (server.MaxBytes, server.MaxStreams, server.MaxStreamsPerUser, server.MaxStreamsPerAddress));
    }

    [Theory]
    [InlineData(249)]
    [InlineData(3_600_001)]
    public void One_stream_has_the_limits_of_the_server(int milliseconds)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(
            "Heartbeat", () => new CometStreamOptions { Heartbeat = TimeSpan.FromMilliseconds(milliseconds) });

        Assert.StartsWith("Heartbeat must be 00:00:00.2500000 to 01:00:00, or null.", error.Message);
    }

    [Fact]
    public void One_stream_may_have_what_the_limits_allow()
    {
        CometStreamOptions least = new() { Heartbeat = TimeSpan.FromMilliseconds(250) };
        CometStreamOptions most = new() { Heartbeat = TimeSpan.FromHours(1) };

        Assert.Equal(
            (TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1), null),
            (least.Heartbeat, most.Heartbeat, new CometStreamOptions().Heartbeat));
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(("Padding", "1"), ("Drain", "-00:00:01"), ("MaxBytes", "0")));

        Assert.Equal(3, error.Failures.Count());
    }

    [Fact]
    public async Task An_enumeration_that_code_sets_is_checked_too()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => NewsApp.StartAsync(feed: feed => feed.WhenSlow = (SlowClientPolicy)7));

        Assert.Equal("Comet:Feeds:news:WhenSlow is 7; it must be End, Latest or Skip.", Assert.Single(error.Failures));
    }

    [Fact]
    public async Task Settings_come_from_the_configuration()
    {
        await using var app = await StartAsync(
            ("Padding", "2048"),
            ("Heartbeat", "00:00:07"),
            ("WriteTimeout", "00:00:08"),
            ("MaxAge", "09:00:00"),
            ("MaxBytes", "10"),
            ("ReconnectSpread", "00:00:11"),
            ("Drain", "00:01:00"),
            ("MaxStreams", "13"),
            ("MaxStreamsPerUser", "14"),
            ("MaxStreamsPerAddress", "15"),
            ("Feeds:news:Retain", "17"),
            ("Feeds:news:RetainBytes", "1800"),
            ("Feeds:news:RetainFor", "00:00:19"),
            ("Feeds:news:WhenSlow", "latest"),
            ("Feeds:news:InMemory", "true"),
            ("Feeds:news:AuthorizationPolicy", "editors"));

        var server = app.Services.GetRequiredService<IOptions<CometOptions>>().Value;
        Assert.Equal(
            (
                2048,
                TimeSpan.FromSeconds(7),
                TimeSpan.FromSeconds(8),
                TimeSpan.FromHours(9),
                10L,
                TimeSpan.FromSeconds(11),
                TimeSpan.FromMinutes(1)
            ),
            (server.Padding, server.Heartbeat, server.WriteTimeout, server.MaxAge, server.MaxBytes, server.ReconnectSpread, server.Drain));
        Assert.Equal(
            (13, 14, 15),
            (server.MaxStreams, server.MaxStreamsPerUser, server.MaxStreamsPerAddress));
        var feed = app.Services.GetRequiredService<IOptionsMonitor<FeedOptions>>().Get("news");
        Assert.Equal(
            (17, 1800L, TimeSpan.FromSeconds(19), true, SlowClientPolicy.Latest, "editors"),
            (feed.Retain, feed.RetainBytes, feed.RetainFor, feed.InMemory, feed.WhenSlow, feed.AuthorizationPolicy));
        // Draining fits in.
        Assert.Equal(TimeSpan.FromSeconds(70), app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    [Fact]
    public async Task Defaults_are_those_of_the_documents()
    {
        await using var app = await TestApp.StartAsync(_ => { });

        var server = app.Services.GetRequiredService<IOptions<CometOptions>>().Value;
        Assert.Equal(
            (1024, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(10), null, null, TimeSpan.FromSeconds(5), TimeSpan.Zero),
            (server.Padding, server.Heartbeat, server.WriteTimeout, server.MaxAge, server.MaxBytes, server.ReconnectSpread, server.Drain));
        Assert.Equal(
            (50_000, 100, 1_000),
            (server.MaxStreams, server.MaxStreamsPerUser, server.MaxStreamsPerAddress));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("é")]
    public void A_feed_has_a_plain_name(string name)
    {
        var services = new ServiceCollection();

        Assert.Throws<ArgumentException>("name", () => services.AddFeed<int>(name));
        Assert.Throws<ArgumentException>("name", () => services.AddKeyedFeeds<int>(new string('n', 65)));
        services.AddFeed<int>(new string('n', 64));
    }

    [Theory]
    [InlineData("news")]
    [InlineData("News")]
    public void A_name_is_given_once(string name)
    {
        var services = new ServiceCollection().AddFeed<int>("news");

        var error = Assert.Throws<ArgumentException>("name", () => services.AddKeyedFeeds<string>(name));
        Assert.StartsWith("There is a feed named news already.", error.Message);
    }

    private static Task<TestApp> StartFromAsync(string json) => TestApp.StartAsync(
        _ => { },
        builder =>
        {
            builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json)));
            builder.Services.AddFeed<string>("news").AddFeed<int>("more").AddCometStoreOptions<OwnOptions>("Own");
        });

    private sealed class OwnOptions
    {
        public string Place { get; set; } = "here";
    }

    private static Task<TestApp> StartAsync(params (string Key, string? Value)[] settings) => TestApp.StartAsync(
        _ => { },
        builder =>
        {
            foreach (var (key, value) in settings)
            {
                builder.Configuration["Comet:" + key] = value;
            }
            builder.Services.AddFeed<string>("news");
            builder.Services.AddAuthorizationBuilder().AddPolicy("editors", policy => policy.RequireRole("editor"));
        });
}
