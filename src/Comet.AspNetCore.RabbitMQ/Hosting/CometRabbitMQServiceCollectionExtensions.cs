using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Hosting;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore;

/// <summary>Registers the store that keeps feeds in RabbitMQ streams.</summary>
public static class CometRabbitMQServiceCollectionExtensions
{
    /// <summary>
    /// Keeps the logs of all feeds in RabbitMQ streams, so that any number of servers share them. The address of the broker is the
    /// connection string <c>RabbitMQ</c>. Readiness fails while the broker is unavailable. May be called more than once.
    /// </summary>
    /// <param name="services">The app's services; <see cref="CometServiceCollectionExtensions.AddComet"/> is called as well.</param>
    /// <param name="configure">
    /// Sets the app's defaults, or null. The section <c>Comet:RabbitMQ</c> of the configuration overrides them, and
    /// <c>ConnectionStrings:RabbitMQ</c> the address of the broker, whatever the order and the number of calls. A value that makes no
    /// sense stops the app at its start with an <see cref="OptionsValidationException"/>.
    /// </param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddCometRabbitMQ(this IServiceCollection services, Action<RabbitMQStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddComet();
        var options = services.AddCometStoreOptions("RabbitMQ", configure);
        if (services.Any(service => service.ServiceType == typeof(RabbitMQConnection)))
        {
            return services;
        }
        options.PostConfigure<IConfiguration>(static (options, configuration) =>
            options.ConnectionString = configuration.GetConnectionString("RabbitMQ") ?? options.ConnectionString);
        services.AddSingleton<IValidateOptions<RabbitMQStoreOptions>, RabbitMQStoreOptionsValidator>();
        services.AddSingleton<RabbitMQConnection>();
        services.AddHostedService(provider => provider.GetRequiredService<RabbitMQConnection>());
        services.AddSingleton<RabbitMQStore>();
        services.Replace(ServiceDescriptor.Singleton<IFeedStore>(provider => provider.GetRequiredService<RabbitMQStore>()));
        services.AddHealthChecks().AddCheck<RabbitMQHealthCheck>("comet-store", tags: ["ready"]);
        return services;
    }
}
