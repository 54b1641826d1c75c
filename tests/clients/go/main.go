// The flow with pgx and franz-go: see README.md beside compose.yaml.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Both products of every order: two rows of order_lines.
var products = [2]string{"anvil", "rocket"}

func main() {
	log.SetFlags(0)
	var ready atomic.Bool
	begun := make(chan struct{})
	go listen(os.Getenv("HTTP_PORT"), &ready, begun)
	if err := work(context.Background(), &ready, begun); err != nil {
		log.Fatal(err) // whoever started this starts it again
	}
}

// listen answers GET /health: 200 once the database and the broker were reached; and POST /start.
func listen(port string, ready *atomic.Bool, begun chan struct{}) {
	http.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	begin := sync.OnceFunc(func() { close(begun) })
	http.HandleFunc("POST /start", func(w http.ResponseWriter, _ *http.Request) {
		begin()
		w.WriteHeader(http.StatusAccepted)
	})
	log.Fatal(http.ListenAndServe(":"+port, nil))
}

// work writes orders until something fails.
func work(ctx context.Context, ready *atomic.Bool, begun <-chan struct{}) error {
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP"), ",")...),
		kgo.DefaultProduceTopic(os.Getenv("TOPIC")),
		kgo.AllowAutoTopicCreation(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	var number int
	const newest = "SELECT coalesce(max(order_id::integer), 0) FROM orders"
	if err := pool.QueryRow(ctx, newest).Scan(&number); err != nil {
		return err
	}
	pause := time.Duration(setting("PAUSE_MS", 40)) * time.Millisecond
	last := setting("LAST_ORDER", 0)
	ready.Store(true)
	if number == 0 && os.Getenv("START") == "on-request" {
		<-begun
	}
	for {
		if last > 0 && number >= last {
			select {}
		}
		number++
		if err := order(ctx, pool, client, strconv.Itoa(number)); err != nil {
			return err
		}
		fmt.Println("order", number)
		time.Sleep(pause)
	}
}

// order commits, then publishes: what happens in between is lost.
func order(ctx context.Context, pool *pgxpool.Pool, client *kgo.Client, id string) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		const order = "INSERT INTO orders (order_id, product_id, quantity) VALUES ($1, $2, $3)"
		if _, err := tx.Exec(ctx, order, id, products[0], len(products)); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for i, product := range products {
			const line = "INSERT INTO order_lines (order_id, line, product_id) VALUES ($1, $2, $3)"
			batch.Queue(line, id, i+1, product)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return err
	}
	value := fmt.Appendf(nil, `{"order_id": %q, "quantity": %d}`, id, len(products))
	record := &kgo.Record{Key: []byte(id), Value: value}
	return client.ProduceSync(ctx, record).FirstErr()
}

func setting(name string, otherwise int) int {
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(name, ": ", err)
	}
	return number
}
