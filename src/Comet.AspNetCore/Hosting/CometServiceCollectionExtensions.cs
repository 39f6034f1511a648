using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Hosting;
using Comet.AspNetCore.Options;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore;

/// <summary>Registers Comet streams and feeds.</summary>
public static class CometServiceCollectionExtensions
{
    /// <summary>Adds what Comet streams need. May be called more than once.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Runs after the <c>Comet</c> section of the configuration was applied.</param>
    public static IServiceCollection AddComet(this IServiceCollection services, Action<CometOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<CometOptions>();
        if (configure is not null)
        {
            options.PostConfigure(configure);
        }
        if (services.Any(service => service.ServiceType == typeof(ConnectionAcceptor)))
        {
            return services;
        }
        options.BindConfiguration("Comet").ValidateOnStart();
        services.AddSingleton<IValidateOptions<CometOptions>, CometOptionsValidator>();
        services.AddOptions<HostOptions>().PostConfigure<IOptions<CometOptions>>(static (host, comet) =>
        {
            // Draining must fit into the host's patience.
            var needed = comet.Value.Drain + TimeSpan.FromSeconds(10);
            host.ShutdownTimeout = host.ShutdownTimeout > needed ? host.ShutdownTimeout : needed;
        });
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<OpenStreams>();
        services.AddSingleton<CometMetrics>();
        services.AddSingleton<MonotonicClock>();
        services.AddSingleton<ReconnectDelay>();
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton<ConnectionHeartbeat>();
        services.AddSingleton<ConnectionShutdown>();
        services.AddHostedService(provider => provider.GetRequiredService<ConnectionShutdown>());
        services.AddSingleton<WriteDeadline>();
        services.AddSingleton<ConnectionAcceptor>();
        services.AddSingleton<ConnectionServices>();
        services.AddSingleton<FeedRegistry>();
        services.TryAddSingleton<IFeedStore, MemoryStore>();
        services.AddHealthChecks().AddCheck<CometHealthCheck>("comet", tags: ["ready"]);
        return services;
    }

    /// <summary>Adds a feed: inject <see cref="Feed{T}"/>, or the keyed service of this name when there are several of one type.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="name">1 to 64 letters, digits, dots, dashes and underscores; appears in logs, metrics and stores.</param>
    /// <param name="configure">Runs before <c>Comet:Feeds:&lt;name&gt;</c> of the configuration is applied.</param>
    /// <exception cref="ArgumentException">The name is malformed or taken.</exception>
    public static IServiceCollection AddFeed<T>(this IServiceCollection services, string name, Action<FeedOptions>? configure = null)
    {
        AddFeedOptions(services, name, configure);
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var options = OptionsOf(provider, name);
            var feed = new FeedName(name);
            return new Feed<T>(feed, new SingletonFeedHandle(provider.GetRequiredService<FeedRegistry>(), feed, options), JsonOf(provider, options));
        });
        services.AddSingleton(provider => provider.GetRequiredKeyedService<Feed<T>>(name));
        return services;
    }

    /// <summary>Adds a family of feeds, one per key: inject <see cref="KeyedFeeds{T}"/>.</summary>
    /// <inheritdoc cref="AddFeed{T}"/>
    public static IServiceCollection AddKeyedFeeds<T>(this IServiceCollection services, string name, Action<FeedOptions>? configure = null)
    {
        AddFeedOptions(services, name, configure);
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var options = OptionsOf(provider, name);
            return new KeyedFeeds<T>(name, provider.GetRequiredService<FeedRegistry>(), options, JsonOf(provider, options));
        });
        services.AddSingleton(provider => provider.GetRequiredKeyedService<KeyedFeeds<T>>(name));
        return services;
    }

    private static void AddFeedOptions(IServiceCollection services, string name, Action<FeedOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        FeedName.CheckFamily(name, nameof(name));
        if (services.Any(service => service.ImplementationInstance is FeedRegistration taken && taken.Name == name))
        {
            throw new ArgumentException($"There is a feed named {name} already.", nameof(name));
        }
        services.AddComet();
        services.AddSingleton(new FeedRegistration(name));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<FeedOptions>, FeedOptionsValidator>());
        var options = services.AddOptions<FeedOptions>(name);
        if (configure is not null)
        {
            options.Configure(configure);
        }
        options.BindConfiguration($"Comet:Feeds:{name}").ValidateOnStart();
    }

    private static FeedOptions OptionsOf(IServiceProvider provider, string name) =>
        provider.GetRequiredService<IOptionsMonitor<FeedOptions>>().Get(name);

    private static JsonSerializerOptions JsonOf(IServiceProvider provider, FeedOptions options) =>
        options.SerializerOptions ?? provider.GetRequiredService<IOptions<JsonOptions>>().Value.JsonSerializerOptions;

    private sealed record FeedRegistration(string Name);
}
