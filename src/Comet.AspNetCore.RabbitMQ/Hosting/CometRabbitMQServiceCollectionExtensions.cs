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
    /// connection string <c>RabbitMQ</c>. Readiness fails while the broker is away.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Runs after <c>Comet:RabbitMQ</c> and the connection string were applied.</param>
    public static IServiceCollection AddCometRabbitMQ(this IServiceCollection services, Action<RabbitMQStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddComet();
        var options = services.AddOptions<RabbitMQStoreOptions>();
        if (configure is not null)
        {
            options.PostConfigure(configure);
        }
        if (services.Any(service => service.ServiceType == typeof(RabbitMQConnection)))
        {
            return services;
        }
        options.BindConfiguration("Comet:RabbitMQ")
            .Configure<IConfiguration>(static (options, configuration) =>
                options.ConnectionString = configuration.GetConnectionString("RabbitMQ") ?? options.ConnectionString)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<RabbitMQStoreOptions>, RabbitMQStoreOptionsValidator>();
        services.AddSingleton<RabbitMQConnection>();
        services.AddHostedService(provider => provider.GetRequiredService<RabbitMQConnection>());
        services.AddSingleton<RabbitMQStore>();
        services.Replace(ServiceDescriptor.Singleton<IFeedStore>(provider => provider.GetRequiredService<RabbitMQStore>()));
        services.AddHealthChecks().AddCheck<RabbitMQHealthCheck>("comet-store", tags: ["ready"]);
        return services;
    }
}
