using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Hosting;
using Comet.AspNetCore.Options;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using HttpJsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;
using MvcJsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Comet.AspNetCore;

/// <summary>Registers Comet streams and feeds.</summary>
public static class CometServiceCollectionExtensions
{
    /// <summary>
    /// Adds what Comet streams need, the log in memory as the store of feeds, and the health check <c>comet</c>, tagged <c>ready</c>, which
    /// fails while the host stops. May be called more than once; the other <c>Add</c> methods call it as well.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">
    /// Sets the app's defaults, or null. The section <c>Comet</c> of the configuration overrides them, whatever the order and the number
    /// of calls. A value that makes no sense stops the app at its start with an <see cref="OptionsValidationException"/>.
    /// </param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddComet(this IServiceCollection services, Action<CometOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        SettingsSection.AddTo(services, name: null, "Comet", configure);
        if (services.Any(service => service.ServiceType == typeof(ConnectionAcceptor)))
        {
            return services;
        }
        services.AddSingleton<IValidateOptions<CometOptions>, CometOptionsValidator>();
        services.AddSingleton<IValidateOptions<CometOptions>, SettingsSectionsValidator>();
        services.AddOptions<HostOptions>().PostConfigure<IOptions<CometOptions>>(static (host, comet) =>
        {
            // The host waits long enough for the streams to be drained.
            var needed = comet.Value.Drain + TimeSpan.FromSeconds(10);
            if (host.ShutdownTimeout != Timeout.InfiniteTimeSpan && host.ShutdownTimeout < needed)
            {
                host.ShutdownTimeout = needed;
            }
        });
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new OpenStreams());
        services.AddSingleton<CometMetrics>();
        services.AddSingleton<MonotonicClock>();
        services.AddSingleton<ReconnectDelay>();
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton<ConnectionHeartbeat>();
        services.AddSingleton<ConnectionShutdown>();
        services.AddHostedService(provider => provider.GetRequiredService<ConnectionShutdown>());
        services.AddHostedService<StartupMessages>();
        services.AddHostedService<FeedOpening>();
        services.AddSingleton<WriteDeadline>();
        services.AddSingleton<ConnectionAcceptor>();
        services.AddSingleton<ConnectionServices>();
        services.AddSingleton<Lanes>();
        services.AddSingleton<FeedRegistry>();
        services.AddSingleton<DebugPageServices>();
        services.AddSingleton<DebugSnapshots>();
        services.AddSingleton<StreamOutcomes>();
        services.TryAddSingleton<IFeedStore, MemoryStore>();
        services.AddHealthChecks().AddCheck<CometHealthCheck>("comet", tags: ["ready"]);
        return services;
    }

    /// <summary>Adds a feed: inject <see cref="Feed{T}"/>, or the keyed service of this name when there are several of one type.</summary>
    /// <typeparam name="T">What is published; becomes JSON.</typeparam>
    /// <param name="services">The app's services; <see cref="AddComet"/> is called as well.</param>
    /// <param name="name">1 to 64 letters, digits, dots, dashes and underscores; appears in log messages, metrics and stores.</param>
    /// <param name="configure">
    /// Sets the feed's defaults, or null. The section <c>Comet:Feeds:&lt;name&gt;</c> of the configuration overrides them. A value that
    /// makes no sense stops the app at its start with an <see cref="OptionsValidationException"/>.
    /// </param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// The name is malformed, taken, or that of an event that clients have themselves: <c>open</c>, <c>error</c>, <c>message</c>,
    /// <c>close</c>, <c>closed</c>, <c>comet</c>, <c>end</c>, <c>gap</c>, <c>heartbeat</c>, <c>reconnecting</c>, <c>skipped</c>,
    /// <c>statechange</c>, <c>status</c>, in any case.
    /// </exception>
    public static IServiceCollection AddFeed<T>(this IServiceCollection services, string name, Action<FeedOptions>? configure = null)
    {
        AddFeedOptions(services, new(name, typeof(Feed<T>), IsFamily: false), configure);
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var handle = provider.GetRequiredKeyedService<SingletonFeedHandle>(name);
            return new Feed<T>(new FeedName(name), handle, JsonOf(provider, handle.Options));
        });
        services.AddKeyedSingleton(name, (provider, _) =>
            new SingletonFeedHandle(provider.GetRequiredService<FeedRegistry>(), new FeedName(name), OptionsOf(provider, name)));
        services.TryAddSingleton(OnlyOne<Feed<T>>);
        return services;
    }

    /// <summary>
    /// Adds a family of feeds, one per key: inject <see cref="KeyedFeeds{T}"/>, or the keyed service of this name when there are several of
    /// one type.
    /// </summary>
    /// <inheritdoc cref="AddFeed{T}"/>
    public static IServiceCollection AddKeyedFeeds<T>(this IServiceCollection services, string name, Action<FeedOptions>? configure = null)
    {
        AddFeedOptions(services, new(name, typeof(KeyedFeeds<T>), IsFamily: true), configure);
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var options = OptionsOf(provider, name);
            return new KeyedFeeds<T>(name, provider.GetRequiredService<FeedRegistry>(), options, JsonOf(provider, options));
        });
        services.TryAddSingleton(OnlyOne<KeyedFeeds<T>>);
        return services;
    }

    private static void AddFeedOptions(IServiceCollection services, FeedRegistration feed, Action<FeedOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        var name = feed.Name;
        FeedName.CheckFamily(name, nameof(name));
        ReservedFeedNames.Check(name, nameof(name));
        // Names in another case have the same settings.
        if (services.Select(static service => service.ImplementationInstance as FeedRegistration)
                .FirstOrDefault(taken => name.Equals(taken?.Name, StringComparison.OrdinalIgnoreCase)) is { } taken)
        {
            throw new ArgumentException($"There is a feed named {taken.Name} already.", nameof(name));
        }
        services.AddComet();
        services.AddSingleton(feed);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<FeedOptions>, FeedOptionsValidator>());
        SettingsSection.AddTo(services, name, $"Comet:Feeds:{name}", configure);
    }

    // Injected without a name, the last of several would be a guess.
    private static TFeed OnlyOne<TFeed>(IServiceProvider provider) where TFeed : class
    {
        var feeds = provider.GetServices<FeedRegistration>();
        var names = feeds.Where(feed => feed.Service == typeof(TFeed)).Select(feed => feed.Name).ToList();
        return names is [var only]
            ? provider.GetRequiredKeyedService<TFeed>(only)
            : throw new InvalidOperationException(
                $"There are {names.Count} of {Display(typeof(TFeed))}: {string.Join(", ", names)}. " +
                $"Inject one by its name, as in [FromKeyedServices(\"{names[0]}\")].");
    }

    // Feed<String>, and not Feed`1.
    private static string Display(Type feed) => $"{feed.Name.Split('`')[0]}<{feed.GenericTypeArguments[0].Name}>";

    private static FeedOptions OptionsOf(IServiceProvider provider, string name) =>
        provider.GetRequiredService<IOptionsMonitor<FeedOptions>>().Get(name);

    // Written once for all that serve the feed: as the app's controllers write, if it has any.
    private static JsonSerializerOptions JsonOf(IServiceProvider provider, FeedOptions options) => options.SerializerOptions ??
        (provider.GetService<ApplicationPartManager>() is not null
            ? provider.GetRequiredService<IOptions<MvcJsonOptions>>().Value.JsonSerializerOptions
            : provider.GetRequiredService<IOptions<HttpJsonOptions>>().Value.SerializerOptions);
}
