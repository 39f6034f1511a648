using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.TestUtilities.Conformance;
using Microsoft.AspNetCore.Builder;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class ConformanceTests(Broker broker) : DurableStoreTests
{
    protected override void AddStore(WebApplicationBuilder builder) =>
        builder.AddPatientRabbitMQ(broker.ConnectionString);
}

/// <summary>The same with almost nothing in memory, so that entries are read from the broker.</summary>
[Trait("Category", "Matrix")]
public sealed class ConformanceWithoutMemoryTests(Broker broker) : DurableStoreTests
{
    protected override void AddStore(WebApplicationBuilder builder) =>
        builder.AddPatientRabbitMQ(broker.ConnectionString, options => options.RecentBytes = 0);
}
