using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Tests;

/// <summary>Code gives the defaults, the configuration has the last word; what is in effect, and what is not, is said at start.</summary>
public class ConfigurationTests
{
    public static TheoryData<string, Action<IServiceCollection>> Orders => new()
    {
        { "once", services => services.AddComet(Set) },
        { "twice", services => services.AddComet().AddComet(Set) },
        { "after a feed", services => services.AddFeed<int>("numbers").AddComet(Set) },
        { "before a feed", services => services.AddComet(Set).AddFeed<int>("numbers") },
        { "by the options' own method", services => services.AddComet().Configure<CometOptions>(Set) },
    };

    [Theory, MemberData(nameof(Orders))]
    public void The_configuration_has_the_last_word_on_the_server(string order, Action<IServiceCollection> add)
    {
        Assert.NotEmpty(order);
        using var app = Build(add, ("Comet:Padding", "2000"), ("Comet:MaxStreams", ""));

        var options = app.Services.GetRequiredService<IOptions<CometOptions>>().Value;

        Assert.Equal((2000, TimeSpan.FromMinutes(3), null), (options.Padding, options.Heartbeat, options.MaxStreams));
    }

    [Fact]
    public void The_configuration_has_the_last_word_on_feeds_and_families()
    {
        using var app = Build(
            services =>
            {
                services.AddFeed<string>("news", feed => (feed.Retain, feed.WhenSlow) = (5, SlowClientPolicy.Skip));
                services.AddKeyedFeeds<string>("rooms", feed => (feed.Retain, feed.WhenSlow) = (6, SlowClientPolicy.Skip));
            },
            ("Comet:Feeds:news:Retain", "50"),
            ("comet:feeds:ROOMS:retain", "60"));

        var options = app.Services.GetRequiredService<IOptionsMonitor<FeedOptions>>();

        Assert.Equal((50, SlowClientPolicy.Skip), (options.Get("news").Retain, options.Get("news").WhenSlow));
        Assert.Equal((60, SlowClientPolicy.Skip), (options.Get("rooms").Retain, options.Get("rooms").WhenSlow));
    }

    [Fact]
    public void The_configuration_has_the_last_word_on_a_store()
    {
        using var app = Build(
            services =>
            {
                services.AddCometStoreOptions<OwnStoreOptions>("Own");
                services.AddCometStoreOptions<OwnStoreOptions>("Own", own => (own.Place, own.Size) = ("code", 2));
            },
            ("Comet:Own:Place", "configuration"));

        var options = app.Services.GetRequiredService<IOptions<OwnStoreOptions>>().Value;

        Assert.Equal(("configuration", 2), (options.Place, options.Size));
    }

    [Fact]
    public async Task Each_feed_says_at_start_how_it_is_set()
    {
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            builder.Configuration["Comet:Feeds:news:Retain"] = "17";
            builder.Services.AddSingleton<IFeedStore>(new ScriptedStore());
            builder.Services.AddFeed<string>(
                "news",
                feed => (feed.Retain, feed.RetainFor, feed.AuthorizationPolicy) = (5, TimeSpan.FromDays(7), "editors"));
            builder.Services.AddKeyedFeeds<string>("rooms", feed => (feed.InMemory, feed.WhenSlow) = (true, SlowClientPolicy.Latest));
            builder.Services.AddAuthorizationBuilder().AddPolicy("editors", policy => policy.RequireRole("editor"));
        });

        var said = app.Log.Entries.Where(entry => entry.EventId.Name == "FeedSettings").ToList();

        Assert.All(said, entry => Assert.Equal(LogLevel.Information, entry.Level));
        Assert.Equal(
            [
                "Feed news: store ScriptedStore, Retain 17, RetainBytes 4194304, RetainFor 7.00:00:00, WhenSlow End, InMemory False, " +
                    "AuthorizationPolicy editors.",
                "Family of feeds rooms: store MemoryStore, Retain 1000, RetainBytes 4194304, RetainFor 01:00:00, " +
                    "WhenSlow Latest, InMemory True, " +
                "AuthorizationPolicy none.",
            ],
            said.Select(entry => entry.Message));
    }

    [Fact]
    public async Task Keys_that_nothing_reads_are_warned_of_with_those_that_exist()
    {
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            foreach (var key in (string[])
                [
                    "Hearbeat", "Own:Plaice", "Own:Place", "Sqlite:Path", "Feeds:nws:Retain", "Feeds:news:Retian",
                    "Feeds:news:SerializerOptions:MaxDepth",
                    "Feeds:news:Retain", "MaxStreams", "MaxBytes:Most", "DirectTransport",
                ])
            {
                builder.Configuration["Comet:" + key] = "1234";
            }
            builder.Services.AddCometStoreOptions<OwnStoreOptions>("Own");
            builder.Services.AddFeed<string>("news");
            builder.Services.AddFeed<int>("numbers");
        });

        const string Settings = "Drain, Feeds, Heartbeat, MaxAge, MaxBytes, MaxStreams, MaxStreamsPerAddress, MaxStreamsPerUser, Own, " +
            "Padding, ReconnectSpread, WriteTimeout";
        const string FeedSettings = "AuthorizationPolicy, InMemory, Retain, RetainBytes, RetainFor, WhenSlow";
        var warnings = app.Log.Entries.Where(entry => entry.EventId.Name == "KeyUnread").ToList();
        Assert.All(warnings, entry => Assert.Equal(LogLevel.Warning, entry.Level));
        Assert.Equal(
            [
                $"Comet:DirectTransport is no setting of Comet. The settings under Comet are: {Settings}.",
                $"Comet:Feeds:news:Retian is no setting of Comet. The settings under Comet:Feeds:news are: {FeedSettings}.",
                $"Comet:Feeds:news:SerializerOptions is no setting of Comet. The settings under Comet:Feeds:news are: {FeedSettings}.",
                "Comet:Feeds:nws is no setting of Comet. The settings under Comet:Feeds are: news, numbers.",
                $"Comet:Hearbeat is no setting of Comet. The settings under Comet are: {Settings}.",
                $"Comet:MaxBytes:Most is no setting of Comet. The settings under Comet are: {Settings}.",
                "Comet:Own:Plaice is no setting of Comet. The settings under Comet:Own are: Place, Size.",
                $"Comet:Sqlite is no setting of Comet. The settings under Comet are: {Settings}.",
            ],
            warnings.Select(entry => entry.Message).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("1000", null, 1)]
    [InlineData("1001", null, 0)]
    [InlineData("500", "499", 0)]
    [InlineData("500", "", 0)]
    public async Task Limits_that_let_one_address_take_the_place_of_all_are_warned_of(string inAll, string? perAddress, int warnings)
    {
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            builder.Configuration["Comet:MaxStreams"] = inAll;
            if (perAddress is not null)
            {
                builder.Configuration["Comet:MaxStreamsPerAddress"] = perAddress;
            }
        });

        var told = app.Log.Entries.Where(entry => entry.EventId.Name == "OneAddressTakesAll").ToList();
        Assert.Equal(warnings, told.Count);
        Assert.All(told, entry => Assert.Equal(LogLevel.Warning, entry.Level));
    }

    [Fact]
    public async Task A_configuration_that_is_all_read_is_not_warned_of()
    {
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            builder.Configuration["comet:heartbeat"] = "00:00:05";
            builder.Configuration["Comet:feeds:NEWS:retain"] = "5";
            builder.Services.AddFeed<string>("news");
        });

        Assert.DoesNotContain(app.Log.Entries, entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public void Of_several_feeds_of_one_type_none_is_injected_without_its_name()
    {
        using var app = Build(services =>
        {
            services.AddFeed<string>("news").AddFeed<string>("alerts").AddFeed<int>("numbers");
            services.AddKeyedFeeds<string>("rooms").AddKeyedFeeds<string>("users").AddKeyedFeeds<int>("games");
        });

        var feeds = Assert.Throws<InvalidOperationException>(app.Services.GetRequiredService<Feed<string>>);
        var families = Assert.Throws<InvalidOperationException>(app.Services.GetRequiredService<KeyedFeeds<string>>);

        Assert.Equal(
            "There are 2 of Feed<String>: news, alerts. Inject one by its name, as in [FromKeyedServices(\"news\")].",
            feeds.Message);
        Assert.Equal(
            "There are 2 of KeyedFeeds<String>: rooms, users. Inject one by its name, as in [FromKeyedServices(\"rooms\")].",
            families.Message);
        Assert.Equal("alerts", app.Services.GetRequiredKeyedService<Feed<string>>("alerts").Name);
        Assert.Same(app.Services.GetRequiredKeyedService<Feed<int>>("numbers"), app.Services.GetRequiredService<Feed<int>>());
        Assert.Same(app.Services.GetRequiredKeyedService<KeyedFeeds<int>>("games"), app.Services.GetRequiredService<KeyedFeeds<int>>());
    }

    private static void Set(CometOptions options) =>
        (options.Padding, options.Heartbeat, options.MaxStreams) = (1500, TimeSpan.FromMinutes(3), 9);

    private static IHost Build(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        add(builder.Services);
        return builder.Build();
    }

    private sealed class OwnStoreOptions
    {
        public string Place { get; set; } = "default";

        public int Size { get; set; } = 1;

        public IList<string> ForCodeOnly { get; set; } = [];
    }
}
